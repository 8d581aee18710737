// The newest reports, from the folder in which the laboratory leaves them.
import { element } from "./dom.js";

const NEWEST = 20;
const VERDICTS = 8; // of so many the file is read
const NAME = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)\d\dZ-(.+)$/;
const view = document.querySelector("#results-view");

export async function enter() {
  const folders = (await read("/results/")).map(({ name }) => name).filter((name) => NAME.test(name));
  folders.sort().reverse();
  if (!folders.length) {
    view.replaceChildren(
      element("p", { class: "finding" }, "There is none yet: make load writes the first"),
      element("p", {}, await expected()),
    );
    return;
  }
  const found = await Promise.all(folders.slice(0, VERDICTS).map(verdicts)); // first, so that nothing moves afterwards
  const rows = folders.slice(0, NEWEST).map((name, number) => {
    const [, year, month, day, hour, minute, what] = NAME.exec(name);
    const link = element("a", { href: `/results/${name}/report.html` }, what);
    const when = element("td", {}, `${year}-${month}-${day} ${hour}:${minute} UTC`);
    return element("tr", {}, element("th", { scope: "row" }, link), when, element("td", {}, found[number] ?? ""));
  });
  const head = element(
    "thead",
    {},
    element("tr", {}, ...["Report", "When", "Verdicts"].map((text) => element("th", { scope: "col" }, text))),
  );
  const [newest] = folders;
  const finding = `${NAME.exec(newest)[6]}: ${found[0] || "open the newest report"}`;
  view.replaceChildren(
    element("p", { class: "finding" }, element("a", { href: `/results/${newest}/report.html` }, finding)),
    element("div", { class: "wide" }, element("table", {}, head, element("tbody", {}, ...rows))),
  );
}

/** What the first lesson will show, as far as it is known before: docs/load.md has the formula. */
async function expected() {
  const { slots } = await read("/flask/");
  const most = slots ? `Flask holds ${slots} of them at once, so it answers at most ${slots} / 0.2 s = ${slots / 0.2} a second.` : "";
  return `It sends 40 users to each service; each waits 0.2 s for an answer and asks again. ${most} An event loop holds all 40: at most 40 / 0.2 s = 200 a second, and less by what a request costs.`;
}

/** What a report found, in a word for each experiment; nothing of one that has no such file. */
async function verdicts(name) {
  const files = await read(`/results/${name}/`);
  if (!files.some((file) => file.name === "verdicts.json")) return "";
  const found = Object.entries(await read(`/results/${name}/verdicts.json`));
  return found.map(([experiment, verdict]) => (found.length > 1 ? `${experiment}: ${verdict}` : verdict)).join(", ");
}

async function read(path) {
  const answer = await fetch(path, { cache: "no-store" });
  return answer.ok ? answer.json() : [];
}
