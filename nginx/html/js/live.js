// What the services do now, as the monitor tells twice a second while somebody looks (docs/live.md).
import { LineChart } from "./chart.js";
import { SERVICES, count, element, seconds } from "./dom.js";
import { findWay } from "./ways.js";

const rate = (value) => `${count(Number(value.toPrecision(3)))}/s`;
const megabytes = (value) => `${count(Math.round(value / 1e6))} MB`;
const SOME = 8; // requests to each service, from the button
const NAMES = Object.keys(SERVICES);
const CHARTS = [
  { key: "rps", title: "Answered", meaning: "Workers that are full answer no more, however many ask.", format: rate },
  { key: "p99", title: "p99 of a request", meaning: "It grows with the line in front of a worker.", format: seconds },
  { key: "busy", title: "Held", meaning: "A worker holds one request, an event loop all that come.", format: (value) => count(value) },
  { key: "lag_max", title: "Event loop late by", meaning: "A view that blocks or computes makes every request of the loop wait.", format: seconds },
  { key: "memory", title: "Memory", meaning: "What more workers or replicas cost.", format: megabytes },
].map((chart) => ({ ...chart, drawn: new LineChart(chart, NAMES) }));
const users = new LineChart({ title: "Users of the load test", meaning: "As many as make load or make locust says.", format: (value) => count(value) }, ["users"]);
// What is told of each service, and what it means.
const ROWS = [
  ["Answered", "a second, over two seconds", ({ rps }) => rate(rps)],
  ["p50", "half of them came within", ({ p50 }) => seconds(p50)],
  ["p95", "95 of 100 came within", ({ p95 }) => seconds(p95)],
  ["p99", "99 of 100 came within", ({ p99 }) => seconds(p99)],
  ["Failed", "answers with 5xx, a second", ({ errors }) => rate(errors)],
  ["Refused", "answers with 429, a second", ({ refused }) => rate(refused)],
  ["Held", "begun and not finished: where it is full, requests stand in line", ({ busy, slots }) => (slots ? `${busy} of ${slots}` : count(busy))],
  ["Sockets", "WebSockets that are open", ({ sockets }) => count(sockets)],
  ["Loop late", "how long something held the event loop", ({ lag_max: lag }) => seconds(lag)],
  ["Memory", "of all its processes", ({ memory, processes }) => `${megabytes(memory)} in ${processes}`],
];

const state = element("p", { role: "status", class: "label", id: "live-state" }, "Connecting …");
const finding = element("p", { class: "finding" }, "Requests held now");
const heads = Object.fromEntries(NAMES.map((name) => [name, element("th", { scope: "col", "data-service": name }, SERVICES[name])]));
const cells = ROWS.map(([, , show]) => ({ show, of: Object.fromEntries(NAMES.map((name) => [name, element("td", {}, "–")])) }));
const table = element(
  "table",
  {},
  element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "Now"), ...Object.values(heads))),
  element(
    "tbody",
    {},
    ...ROWS.map(([title, meaning], number) =>
      element(
        "tr",
        {},
        element("th", { scope: "row" }, title, element("span", { class: "note" }, meaning)),
        ...Object.values(cells[number].of),
      ),
    ),
  ),
);
let source = null;

function take({ data }) {
  const { time, load: test, services } = JSON.parse(data);
  state.textContent = test ? `${count(test.users)} users: ${test.name}` : "No load test runs.";
  finding.replaceChildren(
    "Held now: ",
    ...NAMES.flatMap((name, number) => [
      number ? ", " : "",
      element("span", { "data-service": name }, `${SERVICES[name]} ${count(services[name]?.busy ?? 0)}`),
    ]),
  );
  users.add(time, { users: test?.users ?? 0 });
  for (const [name, now] of Object.entries(services)) {
    for (const { show, of } of cells) of[name].textContent = show(now);
    Object.assign(heads[name].dataset, { rps: now.rps, busy: now.busy, memory: now.memory });
  }
  for (const { key, drawn } of CHARTS) drawn.add(time, Object.fromEntries(NAMES.map((name) => [name, services[name]?.[key]])));
}

/** Something to see: a few requests that wait, to each service. */
async function send() {
  button.disabled = true;
  const { origin } = await findWay();
  const asks = Array.from({ length: SOME * NAMES.length }, (_, number) => `${origin(number)}/${NAMES[number % NAMES.length]}/wait?seconds=1`);
  await Promise.allSettled(asks.map((url) => fetch(url, { cache: "no-store" })));
  button.disabled = false;
}

export function enter() {
  source = new EventSource("/live/events");
  source.onmessage = take;
  source.onerror = () => (state.textContent = "The monitor does not answer; trying again. In the checkout: make status");
}

export function leave() {
  source?.close();
}

const legend = element(
  "ul",
  { class: "legend", "aria-label": "Colours of the lines" },
  ...NAMES.map((name) => element("li", {}, element("span", { class: "key", "data-service": name }), ` ${SERVICES[name]}`)),
);
const button = element("button", { type: "button", id: "live-send" }, `Send ${SOME} requests of 1 s to each`);
const charts = element("div", { class: "charts" }, ...CHARTS.map(({ drawn }) => drawn.figure), users.figure);
button.addEventListener("click", send);
const panes = element("div", { class: "panes" }, table, element("div", {}, legend, charts));
document.querySelector("#live-view").append(element("div", { class: "fields" }, button, state), finding, panes);
