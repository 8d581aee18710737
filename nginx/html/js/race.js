// The same requests to all three services at once, and what became of each.
import { ask } from "./asks.js";
import { Lane, marks } from "./bars.js";
import { element } from "./dom.js";
import { tellLate } from "./log.js";
import { PRESETS } from "./presets.js";
import { report } from "./report.js";
import { findWay } from "./ways.js";

const LOOKS = 12; // at a service, to see how many processes answer
const SHORTEST = 200; // milliseconds that a lane shows at least
// Milliseconds. The browser shares the CPUs with the services, and while it draws it sends and reads late: it draws seldom, and while much
// comes or goes it waits, but not for ever.
const [SELDOM, QUIET, PATIENCE] = [100, 40, 400];

const $ = (id) => document.querySelector(`#race-${id}`);
const [form, requests, amount, start] = ["form", "requests", "amount", "start"].map($);
const lanes = new Map([...document.querySelectorAll(".lane")].map((figure) => [figure.dataset.service, new Lane(figure)]));
const axis = element("div", { class: "axis", "aria-hidden": true });
$("lanes").append(axis);
let way = null;
let latest = 0; // when something was sent or came

/** The preset that is chosen. */
function preset() {
  return PRESETS[form.elements.preset.value];
}

function choose() {
  const {
    about,
    requests: many,
    amount: { label, value, min, max, whole },
  } = preset();
  $("about").textContent = about;
  $("amount-label").textContent = label;
  Object.assign(amount, { min, max, value, step: whole ? "1" : "any" });
  requests.value = many;
  $("error").textContent = "";
}

/** A number that a field holds; a sentence in the page where it holds none that is accepted. */
function read(input, name) {
  const value = input.value === "" ? Number.NaN : Number(input.value);
  if (value >= Number(input.min) && value <= Number(input.max) && (input.step === "any" || Number.isInteger(value))) return value;
  const kind = input.step === "any" ? "a number" : "a whole number";
  $("error").textContent = `${name}: accepted is ${kind} from ${input.min} to ${input.max}.`;
  input.focus();
  return null;
}

/** How many a service holds at once, as it says, and how many processes answer. */
async function look(service) {
  const answers = await Promise.all(
    Array.from({ length: LOOKS }, async (_, number) => (await fetch(`${way.origin(number)}/${service}/`, { cache: "no-store" })).json()),
  );
  return { slots: answers[0].slots, loops: new Set(answers.map(({ host, pid }) => `${host} ${pid}`)).size };
}

function held({ slots, loops }) {
  if (slots) return `· holds ${slots} at once`;
  return `· ${loops} event loop${loops > 1 ? "s" : ""}, each holds what comes`;
}

async function race() {
  const chosen = preset();
  const many = read(requests, "Requests");
  const each = many && read(amount, $("amount-label").textContent);
  if (!each) return;
  $("error").textContent = "";
  start.disabled = true;
  $("result").textContent = "The race runs …";
  try {
    await way.warm(chosen.plan(many, each).length * lanes.size);
    const seen = Object.fromEntries(await Promise.all([...lanes.keys()].map(async (service) => [service, await look(service)])));
    await run(chosen, many, each, seen);
  } catch (error) {
    $("result").textContent = `The stack does not answer (${error.message}). In the checkout: make status`;
  } finally {
    start.disabled = false;
  }
}

async function run(chosen, many, each, seen) {
  const plan = chosen.plan(many, each);
  const finishes = new Map([...lanes.keys()].map((service) => [service, chosen.finish(seen[service], many, each)]));
  const width = Math.max(SHORTEST, ...[...finishes.values()].map((finish) => (finish ?? 0) * 1000));
  for (const [service, lane] of lanes) {
    lane.seen.textContent = held(seen[service]);
    lane.begin(plan.length, finishes.get(service), width);
  }
  const started = performance.now() + 50;
  let number = 0;
  let running = true;
  const all = plan.flatMap((request, row) =>
    [...lanes].map(([service, lane]) => one(lane, row, way.origin(number++), service, request, started)),
  );
  let scale = width;
  let drawn = { scale: null, at: 0 };
  const draw = (now) => {
    if (scale !== drawn.scale) axis.replaceChildren(...marks(scale));
    drawn = { scale, at: now };
    for (const lane of lanes.values()) lane.draw(started, now, scale);
  };
  const goOn = () => {
    if (!running) return;
    const now = performance.now() - started;
    const busy = performance.now() - latest < QUIET && now - drawn.at < PATIENCE;
    scale = Math.max(scale, now);
    if (!busy) draw(now);
    setTimeout(() => requestAnimationFrame(goOn), busy ? QUIET : SELDOM);
  };
  goOn();
  await Promise.all(all);
  running = false;
  scale = Math.max(width, ...[...lanes.values()].flatMap((lane) => lane.asks.map(({ end }) => end - started)));
  draw(performance.now() - started);
  await Promise.all([...lanes.values()].map((lane) => tellLate(lane.asks.filter(({ status }) => status === 200))));
  draw(performance.now() - started);
  report(chosen, lanes, seen, started);
}

async function one(lane, row, origin, service, { path, after, slow }, started) {
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, started + after - performance.now())));
  const note = (state) => {
    latest = performance.now();
    lane.asks[row] = state;
  };
  note({ asked: performance.now() });
  const found = await ask(origin, `/${service}${path}`, ({ asked, first, app }) => note({ asked, first: first - app }));
  note({ ...found, slow });
}

form.addEventListener("change", (event) => event.target.name === "preset" && choose());
form.addEventListener("submit", (event) => {
  event.preventDefault();
  race();
});
choose();
start.disabled = true;
way = await findWay();
$("way").textContent = `The browser really sends each request. ${way.text}`;
start.disabled = false;

export const enter = () => {};
