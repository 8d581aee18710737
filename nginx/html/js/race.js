// The same requests to all three services at once, and what became of each.
import { ask } from "./asks.js";
import { Lane, marks } from "./bars.js";
import { tenths } from "./dom.js";
import { tellLate } from "./log.js";
import { finish, predict } from "./prediction.js";
import { PRESETS } from "./presets.js";
import { report, showFinding } from "./report.js";
import { glance, held, lookAtAll } from "./services.js";
import { findWay } from "./ways.js";

// What the page starts by itself when it is opened: enough for the steps to be seen, and little enough for a room of browsers.
const DEMONSTRATION = { requests: 16, amount: 0.3 };
const SHORTEST = 200; // milliseconds that a lane shows at least
// Milliseconds. The browser shares the CPUs with the services, and while it draws it sends and reads late: it draws seldom, and while much
// comes or goes it waits, but not for ever.
const [SELDOM, QUIET, PATIENCE] = [100, 40, 400];

const $ = (id) => document.querySelector(`#race-${id}`);
const [form, requests, amount, start, label, axis] = ["form", "requests", "amount", "start", "label", "axis"].map($);
const lanes = new Map([...document.querySelectorAll(".lane")].map((figure) => [figure.dataset.service, new Lane(figure)]));
let way = null;
let seen = null; // what each service says of itself, and what a request costs it
let latest = 0; // when something was sent or came
let shown = false;
let touched = false; // somebody chose something: the page starts nothing by itself then

/** The preset that is chosen. */
function preset() {
  return PRESETS[form.elements.preset.value];
}

function choose() {
  const {
    about,
    requests: many,
    amount: { label: name, value, min, max, whole },
  } = preset();
  $("about").textContent = about;
  $("amount-label").textContent = name;
  Object.assign(amount, { min, max, value, step: whole ? "1" : "any" });
  requests.value = many;
  $("error").textContent = "";
}

/** The number that a field holds; null where it holds none that is accepted. */
function valid({ value, min, max, step }) {
  const number = value === "" ? Number.NaN : Number(value);
  return number >= Number(min) && number <= Number(max) && (step === "any" || Number.isInteger(number)) ? number : null;
}

/** The same, with a sentence in the page where it holds none. */
function read(input, name) {
  const found = valid(input);
  if (found !== null) return found;
  const kind = input.step === "any" ? "a number" : "a whole number";
  $("error").textContent = `${name}: accepted is ${kind} from ${input.min} to ${input.max}.`;
  input.focus();
  return null;
}

/** What is predicted of each lane before anything is sent, by service; and how many milliseconds of it are shown. */
function forecast(chosen, plan) {
  const sent = plan.map(({ after }) => after);
  const rows = Object.fromEntries([...lanes.keys()].map((service) => [service, predict(plan, sent, seen[service], chosen.blocks)]));
  const finishes = Object.fromEntries(Object.entries(rows).map(([service, predicted]) => [service, finish(plan, predicted)]));
  const ends = Object.values(rows).flatMap((predicted) => (predicted ?? []).map(({ end }) => end));
  return { rows, finishes, width: Math.max(SHORTEST, ...ends) };
}

/** Show the prediction for what the form says. */
function preview() {
  const [many, each] = [valid(requests), valid(amount)];
  if (!seen || start.disabled || !many || !each) return;
  const chosen = preset();
  const { rows, finishes, width } = forecast(chosen, chosen.plan(many, each));
  for (const [service, lane] of lanes) {
    lane.seen.textContent = held(seen[service], chosen.blocks);
    lane.said.textContent = finishes[service] === null ? "" : `predicted: the last after ${tenths(finishes[service])}`;
    lane.preview(rows[service], finishes[service], width, "No prediction: what a unit of work costs on this machine is not known before.");
  }
  axis.replaceChildren(...(rows.flask ? marks(width) : []));
  label.textContent = "Predicted. Nothing was sent yet: press Start to measure it.";
  if (rows.flask) showFinding(finishes, chosen.finding(seen), "predicted");
  else $("finding").textContent = chosen.about;
  for (const id of ["miss", "result"]) $(id).textContent = "";
}

async function race(chosen, many, each, title, looked = false) {
  start.disabled = true;
  label.textContent = title;
  $("error").textContent = "";
  for (const id of ["miss", "result"]) $(id).textContent = "";
  try {
    const plan = chosen.plan(many, each);
    await way.warm(plan.length * lanes.size);
    if (!looked) seen = await lookAtAll(way);
    await run(chosen, plan);
  } catch (error) {
    silent(error);
  } finally {
    start.disabled = false;
  }
}

function silent(error) {
  $("finding").textContent = `The stack does not answer (${error.message}). In the checkout: make status`;
}

async function run(chosen, plan) {
  const { finishes, width } = forecast(chosen, plan);
  for (const [service, lane] of lanes) {
    lane.seen.textContent = held(seen[service], chosen.blocks);
    lane.begin(plan, finishes[service], width);
  }
  if (finishes.flask !== null) showFinding(finishes, chosen.finding(seen), "predicted");
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
  let stalled = 0;
  const goOn = () => {
    if (!running) return;
    const now = performance.now() - started;
    const busy = performance.now() - latest < QUIET && now - drawn.at < PATIENCE;
    scale = Math.max(scale, now);
    if (!busy) draw(now);
    const [pause, asked] = [busy ? QUIET : SELDOM, performance.now()];
    setTimeout(() => {
      stalled = Math.max(stalled, performance.now() - asked - pause);
      requestAnimationFrame(goOn);
    }, pause);
  };
  goOn();
  await Promise.all(all);
  running = false;
  scale = Math.max(width, ...[...lanes.values()].flatMap((lane) => lane.asks.map(({ end }) => end - started)));
  draw(performance.now() - started);
  await Promise.all([...lanes.values()].map((lane) => tellLate(lane.asks.filter(({ status }) => status === 200))));
  report({ chosen, plan, lanes, seen, started, stalled });
  draw(performance.now() - started);
  for (const lane of lanes.values()) lane.settle();
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

/** Why the page does not start a race by itself, as a sentence; null where it may. A tab that is hidden waits until it is seen. */
async function objection() {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return "Your system asks for less motion, so the page starts nothing by itself.";
  if (document.hidden) await new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
  const now = await glance();
  if (now?.load) return `A load test runs (${now.load.name}), and the page does not disturb it.`;
  if (Object.values(now?.services ?? {}).some(({ busy }) => busy)) return "The services are busy with other requests, so the page adds none.";
  return touched || !shown ? "" : null;
}

/** Once, when the race is first seen: a small demonstration, or else the prediction. */
async function open() {
  try {
    way = await findWay();
    $("way").textContent = `The browser really sends each request. ${way.text}`;
    const why = await objection();
    seen = await lookAtAll(way);
    start.disabled = false;
    preview();
    if (why) label.textContent = `${why} What you see is predicted: press Start to measure it.`;
    const { requests: many, amount: each } = DEMONSTRATION;
    if (why === null && !touched && shown)
      await race(
        PRESETS.queue,
        many,
        each,
        `A small demonstration, started by this page: ${many} requests to each service, each waits ${each} s. Choose your own and press Start.`,
        true,
      );
  } catch (error) {
    silent(error);
  } finally {
    start.disabled = false;
  }
}

form.addEventListener("input", ({ target }) => {
  touched = true;
  if (target.name === "preset") choose();
  preview();
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const many = read(requests, "Requests");
  const each = many && read(amount, $("amount-label").textContent);
  if (each) race(preset(), many, each, `${many} requests to each service, sent by this browser.`);
});
choose();
start.disabled = true;
let opened = false;

export function enter() {
  shown = true;
  if (!opened) open();
  opened = true;
}

export function leave() {
  shown = false;
}
