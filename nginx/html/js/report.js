// What a race came to, in words and numbers.
import { mostAtOnce } from "./bars.js";
import { SERVICES, element, seconds, tenths } from "./dom.js";
import { finish, predict } from "./prediction.js";

const KEPT = 20; // milliseconds that a browser takes to send a request, and to read an answer; more is its own line
// A finish is a miss if it differs from the predicted one by more than both: milliseconds, and a share of it.
const [NEAR, SHARE] = [50, 0.1];
const [LONGER, STALLED] = [10, 100]; // milliseconds: of a request in the application beyond its wait, and of a timer that comes late

const $ = (id) => document.querySelector(`#race-${id}`);

/** Milliseconds for which the browser kept an answer that had been sent, where the log says when. */
const lateness = ({ left, end, told }) => (told ? end - left : 0);
const median = (values) => values.toSorted((less, more) => less - more)[Math.floor(values.length / 2)] ?? 0;

/** Write the finding, the largest text of the page: when each service finished, and what that shows. `times` are seconds by service, null where requests failed. */
export function showFinding(times, clause, state) {
  const parts = Object.entries(times).flatMap(([service, time], number) => [
    number ? ", " : "",
    element("span", { "data-service": service }, `${SERVICES[service]} ${time === null ? "failed" : tenths(time)}`),
  ]);
  $("finding").replaceChildren(...parts, `: ${clause}`);
  $("finding").dataset.state = state;
}

/**
 * Say why a service did not finish when it was predicted to, as far as the page can see it; nothing where it nearly did. Times are in
 * milliseconds. `over` is how much longer than its wait a request took in the application, `line` the longest time until the application
 * began with one, and `stalled` how late this page's own timers came.
 */
export function explain({ service, finished, predicted, failed, known, told, slots, most, requests, over, line, stalled }) {
  const miss = finished - predicted;
  if (Math.abs(miss) <= Math.max(NEAR, SHARE * predicted)) return "";
  const what = `${SERVICES[service]} finished ${seconds(Math.abs(miss) / 1000)} ${miss < 0 ? "sooner" : "later"} than predicted. Likely cause: `;
  const why = () => {
    if (failed) return `${failed} of its requests failed.`;
    if (miss < 0) return "the machine was busier when the page measured what a request costs than it was in the race.";
    if (slots && most < Math.min(slots, requests))
      return `only ${most} of its ${slots} places took part. Another client holds the rest, such as a reader of Talk.`;
    if (!known || !told) return "the browser's connections. Nothing says how long it kept requests and answers, so that counts as the service's.";
    if (over > LONGER)
      return `the CPU. A request took ${seconds(over / 1000)} longer in the application than it waits: the services and the browser share this machine's CPUs.`;
    if (stalled > STALLED) return `a busy machine. This page's own timers came up to ${seconds(stalled / 1000)} late.`;
    if (!slots && line > LONGER) return `a busy CPU. Requests waited up to ${seconds(line / 1000)} until the event loop began with them.`;
    return "a busy machine.";
  };
  return what + why();
}

/** The finding, a sentence for each lane, the table, and what it means. `stalled` is how late the page's timers came, in milliseconds. */
export function report({ chosen, plan, lanes, seen, started, stalled }) {
  const rows = [];
  const times = {};
  const misses = [];
  let kept = 0;
  let late = 0;
  let known = true;
  for (const [service, lane] of lanes) {
    const good = lane.asks.filter(({ status }) => status === 200);
    const counted = good.filter(({ slow }) => !slow);
    const failed = lane.asks.length - good.length;
    const most = mostAtOnce(good);
    const finished = Math.max(0, ...counted.map(({ left }) => left - started)) / 1000;
    const lines = counted.map(({ begun, served }) => (served - begun) / 1000).sort((less, more) => less - more);
    const sent = lane.asks.map((found) => found.sent - started);
    lane.predicted = finish(plan, predict(plan, sent, seen[service], chosen.blocks));
    times[service] = failed ? null : finished;
    kept = Math.max(kept, ...good.map((found) => found.sent - found.asked));
    late = Math.max(late, ...good.map(lateness));
    known &&= good.every((found) => found.known);
    const predicted = lane.predicted === null ? "" : ` (predicted ${seconds(lane.predicted)})`;
    const last = `the last${counted.length < good.length ? " quick one" : ""} after ${seconds(finished)}`;
    lane.said.textContent = `${failed ? `${failed} FAILED, ` : ""}at most ${most} at once, ${last}${predicted}`;
    lane.track.setAttribute("aria-label", `${SERVICES[service]}: ${good.length} answered, ${lane.said.textContent}.`);
    if (lane.predicted !== null)
      misses.push(
        explain({
          service,
          finished: finished * 1000,
          predicted: lane.predicted * 1000,
          failed,
          known: good.every((found) => found.known),
          told: good.every((found) => found.told),
          slots: seen[service].slots,
          most,
          requests: plan.length,
          over: median(lane.asks.map(({ served, left }, number) => left - served - plan[number].wait * 1000)),
          line: Math.max(0, ...good.map((found) => found.served - found.sent)),
          stalled,
        }),
      );
    Object.assign(lane.figure.dataset, {
      most,
      finish: finished.toFixed(4),
      predicted: lane.predicted ?? "",
      slots: seen[service].slots ?? "",
      loops: seen[service].loops,
      cost: seen[service].cost,
      failed,
    });
    rows.push(
      element(
        "tr",
        {},
        element("th", { scope: "row", "data-service": service }, SERVICES[service]),
        ...[
          good.length,
          most,
          seconds(lane.predicted),
          seconds(finished),
          seconds(lines[Math.floor(lines.length / 2)]),
          seconds(lines.at(-1)),
          seconds(Math.max(0, ...good.map((found) => found.sent - found.asked + lateness(found))) / 1000),
        ].map((text) => element("td", {}, String(text))),
      ),
    );
  }
  showFinding(times, chosen.finding(seen), "measured");
  $("numbers").querySelector("tbody").replaceChildren(...rows);
  const limits = [
    kept > KEPT && `kept a request for up to ${seconds(kept / 1000)} before it sent it`,
    late > KEPT && `read an answer up to ${seconds(late / 1000)} after Nginx had sent it`,
  ].filter(Boolean);
  const limit = limits.length ? `The browser was a limit too: it ${limits.join(", and ")} (drawn in grey). The predicted finish counts from when it sent. ` : "";
  const blind = known ? "" : "This browser does not say when it sent a request, so what it kept is drawn as the server's line. ";
  $("miss").textContent = misses.filter(Boolean).join(" ");
  $("result").replaceChildren(
    element("p", {}, chosen.why),
    element("p", {}, `${blind}${limit}`),
    element("p", {}, "Next, with predictions and an audit: ", element("code", {}, chosen.next)),
  );
  Object.assign($("lanes").dataset, { kept: kept.toFixed(1), late: late.toFixed(1) });
}
