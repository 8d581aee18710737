// One request, drawn: how long it was where, by the browser's times, the application's and Nginx's line in its log.
import { ask } from "./asks.js";
import { SERVICES, element, seconds } from "./dom.js";
import { lines } from "./log.js";

const SERVERS = { flask: "Gunicorn, sync workers", fastapi: "Gunicorn, Uvicorn worker", django: "Daphne" };
// What is asked for, the dependency that it waits for, and how long that is at least.
const ASKED = {
  upstream: { text: "an API that answers after 0.2 s", path: "/upstream?seconds=0.2", dependency: "the upstream service", least: 0.2 },
  query: { text: "a query that takes the database 0.1 s", path: "/query?seconds=0.1", dependency: "PostgreSQL", least: 0.1 },
  wait: { text: "a wait of 0.2 s", path: "/wait?seconds=0.2", dependency: "a timer", least: 0.2 },
  json: { text: "a small JSON object", path: "/json", dependency: null, least: 0 },
};

const form = element(
  "form",
  { class: "fields", id: "path-form" },
  element(
    "label",
    {},
    "Service",
    element("select", { name: "service" }, ...Object.entries(SERVICES).map(([key, name]) => element("option", { value: key }, name))),
  ),
  element(
    "label",
    {},
    "Asked for",
    element("select", { name: "asked" }, ...Object.entries(ASKED).map(([key, { text }]) => element("option", { value: key }, text))),
  ),
  element("button", { type: "submit" }, "Send"),
);
const error = element("p", { class: "error", role: "alert" });
const way = element("ol", { class: "way" });
const label = element("p", { class: "label" });
const said = element("p", { role: "status", class: "finding" }, "A request is on its way …");
const line = element("pre", { class: "wide", tabindex: "0" });
const box = element(
  "div",
  {},
  element("h3", {}, "The line that it left in Nginx's log"),
  line,
  element(
    "p",
    { class: "note" },
    "The service writes none of a request that succeeds: Nginx's has the application's own time, and the same id (docs/stack.md).",
  ),
);
box.hidden = true;

/** The steps from the outside in: each has all that is further in, so what is its own is what is left. */
function steps(service, asked, found, entry) {
  // Nginx's times have milliseconds, and one may be shorter by that than what it contains.
  const app = found.app / 1000;
  const upstream = Math.max(app, Number(entry.upstream_time.split(",").at(-1)));
  const nginx = Math.max(upstream, Number(entry.request_time));
  const client = Math.max(nginx, (found.end - found.asked) / 1000);
  return [
    { name: "Browser", what: "sends it, and reads the answer", whole: client, own: client - nginx },
    { name: "Nginx", what: `passes it on to ${entry.upstream}`, whole: nginx, own: nginx - upstream },
    { name: SERVERS[service], what: "a line before a worker, and the server's own work", whole: upstream, own: upstream - app },
    { name: SERVICES[service], what: "the application", whole: app, own: app - asked.least },
    ...(asked.dependency ? [{ name: asked.dependency, what: "answers what was asked for, at least", whole: asked.least, own: asked.least }] : []),
  ];
}

function draw(service, found, all) {
  const most = all[0].whole;
  way.dataset.service = service;
  way.replaceChildren(
    ...all.map(({ name, what, whole, own }) => {
      const parts = [Math.max(0, own), whole - Math.max(0, own)].map((size, number) => {
        const part = element("span", { class: number ? "bar" : "bar own" });
        part.style.width = `${(100 * size) / most}%`;
        return part;
      });
      return element(
        "li",
        { "data-own": own.toFixed(5), "data-whole": whole.toFixed(5) },
        element("b", {}, name),
        ` ${what}: `,
        element("span", {}, `${seconds(Math.max(0, own))} its own, ${seconds(whole)} with all further in`),
        element("div", { class: "span", "aria-hidden": true }, ...parts),
      );
    }),
  );
  const longest = all.toSorted((one, other) => other.own - one.own)[0];
  said.textContent = `${seconds(most)}, of which ${seconds(longest.own)} are ${longest.name}'s own`;
}

let sent = 0;

/** Send one, and draw it unless another was sent meanwhile; `sample` is one that the page sent by itself. */
async function send(sample) {
  sent += 1;
  const mine = sent;
  const { service, asked } = Object.fromEntries(new FormData(form));
  const { path, text } = ASKED[asked];
  label.textContent = `${sample ? "A sample, sent by this page when you opened it" : "Sent"}: GET /${service}${path}, ${text}.`;
  const found = await ask(location.origin, `/${service}${path}`);
  const logged = found.error ? [] : await lines([found.id]);
  if (mine !== sent) return;
  error.textContent = found.error ? "The stack does not answer. In the checkout: make status" : "";
  if (found.error) return;
  box.hidden = logged.length === 0;
  line.textContent = logged.map((one) => JSON.stringify(one, null, 2)).join("\n");
  if (logged.length) draw(service, found, steps(service, ASKED[asked], found, logged.at(-1)));
  else error.textContent = `The log has no line of request ${found.id}.`;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  send(false);
});
document.querySelector("#path-view").append(form, error, label, said, way, box);

let opened = false;
export function enter() {
  if (!opened) send(true);
  opened = true;
}
