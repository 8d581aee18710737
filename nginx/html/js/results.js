// The newest reports, from the folder in which the laboratory leaves them.
import { element } from "./dom.js";

const NEWEST = 20;
const VERDICTS = 8; // of so many the file is read
const NAME = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)\d\dZ-(.+)$/;
const view = document.querySelector("#results-view");

export async function enter() {
  const answer = await fetch("/results/", { cache: "no-store", headers: { Accept: "application/json" } });
  const folders = answer.ok ? (await answer.json()).filter(({ name }) => NAME.test(name)).map(({ name }) => name) : [];
  folders.sort().reverse();
  if (!folders.length) {
    view.replaceChildren(element("p", {}, "There is none yet. In the checkout: ", element("code", {}, "make load"), "."));
    return;
  }
  const rows = folders.slice(0, NEWEST).map((name) => {
    const [, year, month, day, hour, minute, what] = NAME.exec(name);
    const verdict = element("td", {}, "");
    const link = element("a", { href: `/results/${name}/report.html` }, what);
    return {
      name,
      verdict,
      row: element(
        "tr",
        {},
        element("th", { scope: "row" }, link),
        element("td", {}, `${year}-${month}-${day} ${hour}:${minute} UTC`),
        verdict,
      ),
    };
  });
  const head = element(
    "thead",
    {},
    element("tr", {}, ...["Report", "When", "Verdicts"].map((text) => element("th", { scope: "col" }, text))),
  );
  view.replaceChildren(element("div", { class: "wide" }, element("table", {}, head, element("tbody", {}, ...rows.map(({ row }) => row)))));
  await Promise.all(rows.slice(0, VERDICTS).map(async ({ name, verdict }) => (verdict.textContent = await verdicts(name))));
}

/** What the runs of a report found, in a word each; nothing where the file cannot be read. */
async function verdicts(name) {
  try {
    const found = await (await fetch(`/results/${name}/results.json`)).json();
    return (found.experiments ?? []).map((one) => `${one.name}: ${one.verdict.outcome}`).join(", ");
  } catch {
    return "";
  }
}
