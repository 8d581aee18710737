// What the services do now, as the monitor tells twice a second while somebody looks (docs/live.md).
import { LineChart } from "./chart.js";
import { SERVICES, count, element, seconds } from "./dom.js";

const rate = (value) => `${count(Number(value.toPrecision(3)))}/s`;
const megabytes = (value) => `${count(Math.round(value / 1e6))} MB`;
const NAMES = Object.keys(SERVICES);
const CHARTS = [
  { key: "rps", title: "Requests answered", format: rate },
  { key: "p99", title: "p99 of a request", format: seconds },
  { key: "busy", title: "Requests held", format: (value) => count(value) },
  { key: "lag_max", title: "Event loop late by", format: seconds },
  { key: "memory", title: "Memory", format: megabytes },
].map((chart) => ({ ...chart, drawn: new LineChart(chart.title, NAMES, chart.format) }));
const users = new LineChart("Users of the load test", ["users"], (value) => count(value));
const COLUMNS = [
  ["Answered", ({ rps }) => rate(rps)],
  ["p50", ({ p50 }) => seconds(p50)],
  ["p95", ({ p95 }) => seconds(p95)],
  ["p99", ({ p99 }) => seconds(p99)],
  ["Failed", ({ errors }) => rate(errors)],
  ["Refused", ({ refused }) => rate(refused)],
  ["Held", ({ busy, slots }) => (slots ? `${busy} of ${slots}` : count(busy))],
  ["Sockets", ({ sockets }) => count(sockets)],
  ["Loop late by", ({ lag_max: lag }) => seconds(lag)],
  ["Memory", ({ memory, processes }) => `${megabytes(memory)} in ${processes}`],
];

const state = element("p", { role: "status", class: "about", id: "live-state" }, "Connecting …");
const rows = Object.fromEntries(NAMES.map((name) => [name, element("tr", { "data-service": name }, ...cells(name, () => "–"))]));
const head = element(
  "tr",
  {},
  element("th", { scope: "col" }, "Service"),
  ...COLUMNS.map(([title]) => element("th", { scope: "col" }, title)),
);
const table = element(
  "div",
  { class: "wide", tabindex: "0", role: "region", "aria-label": "What the services do now" },
  element("table", {}, element("thead", {}, head), element("tbody", {}, ...Object.values(rows))),
);
let source = null;

function cells(name, write) {
  const title = element("th", { scope: "row", class: name }, SERVICES[name]);
  return [title, ...COLUMNS.map(([, show]) => element("td", {}, write(show)))];
}

function take({ data }) {
  const { time, load: test, services } = JSON.parse(data);
  state.textContent = test ? `${count(test.users)} users: ${test.name}` : "No load test runs.";
  users.add(time, { users: test?.users ?? 0 });
  for (const [name, now] of Object.entries(services)) {
    rows[name].replaceChildren(...cells(name, (show) => show(now)));
    Object.assign(rows[name].dataset, { rps: now.rps, busy: now.busy, memory: now.memory });
  }
  for (const { key, drawn } of CHARTS) drawn.add(time, Object.fromEntries(NAMES.map((name) => [name, services[name]?.[key]])));
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
  ...NAMES.map((name) => element("li", {}, element("span", { class: `key ${name}` }), ` ${SERVICES[name]}`)),
);
const charts = element("div", { class: "charts" }, ...CHARTS.map(({ drawn }) => drawn.figure), users.figure);
document.querySelector("#live-view").append(state, table, legend, charts);
