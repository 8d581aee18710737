// What a race came to, in words and numbers.
import { mostAtOnce } from "./bars.js";
import { SERVICES, element, seconds } from "./dom.js";

const KEPT = 20; // milliseconds that a browser takes to send a request, and to read an answer; more is its own line

/** Milliseconds for which the browser kept an answer that had been sent, where the log says when. */
const lateness = ({ left, end, told }) => (told ? end - left : 0);

/** A sentence for each lane, the table, and what it means. */
export function report(chosen, lanes, seen, started) {
  const rows = [];
  let kept = 0;
  let late = 0;
  let known = true;
  for (const [service, lane] of lanes) {
    const good = lane.asks.filter(({ status }) => status === 200);
    const counted = good.filter(({ slow }) => !slow);
    const failed = lane.asks.length - good.length;
    const most = mostAtOnce(good);
    const finish = Math.max(0, ...counted.map(({ left }) => left - started)) / 1000;
    const lines = counted.map(({ begun, served }) => (served - begun) / 1000).sort((less, more) => less - more);
    kept = Math.max(kept, ...good.map(({ asked, sent }) => sent - asked));
    late = Math.max(late, ...good.map(lateness));
    known &&= good.every((found) => found.known);
    const predicted = lane.predicted === null ? "" : `, predicted ${seconds(lane.predicted)}`;
    const last = `the last${counted.length < good.length ? " quick one" : ""} after ${seconds(finish)}`;
    lane.said.textContent = `${good.length} answered, at most ${most} in the application at once, ${last}${predicted}${failed ? `; ${failed} FAILED` : ""}.`;
    lane.track.setAttribute("aria-label", `${SERVICES[service]}: ${lane.said.textContent}`);
    Object.assign(lane.figure.dataset, {
      most,
      finish: finish.toFixed(4),
      predicted: lane.predicted ?? "",
      slots: seen[service].slots ?? "",
      loops: seen[service].loops,
      failed,
    });
    rows.push(
      element(
        "tr",
        {},
        element("th", { scope: "row" }, SERVICES[service]),
        ...[
          good.length,
          most,
          seconds(lane.predicted),
          seconds(finish),
          seconds(lines[Math.floor(lines.length / 2)]),
          seconds(lines.at(-1)),
          seconds(Math.max(0, ...good.map((found) => found.sent - found.asked + lateness(found))) / 1000),
        ].map((text) => element("td", {}, String(text))),
      ),
    );
  }
  document.querySelector("#race-numbers tbody").replaceChildren(...rows);
  const limits = [
    kept > KEPT && `kept a request for up to ${seconds(kept / 1000)} before it sent it`,
    late > KEPT && `read an answer up to ${seconds(late / 1000)} after Nginx had sent it`,
  ].filter(Boolean);
  const limit = limits.length ? `The browser was a limit too: it ${limits.join(", and ")} (drawn in grey). ` : "";
  const blind = known ? "" : "This browser does not say when it sent a request, so what it kept is drawn as the server's line. ";
  document.querySelector("#race-result").textContent = `${blind}${limit}${chosen.why} Next, with predictions and an audit: ${chosen.next}`;
  Object.assign(document.querySelector("#race-lanes").dataset, { kept: kept.toFixed(1), late: late.toFixed(1) });
}
