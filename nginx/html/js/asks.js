// One request, and when what happened to it: by the browser's own times, and the application's in the answer (Server-Timing).
const PATIENCE = 2000; // milliseconds, for the browser's word on a request that is over
const waiting = new Map();
let asked = 0;

new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    waiting.get(entry.name)?.(entry);
    waiting.delete(entry.name);
  }
}).observe({ type: "resource" });

/**
 * Ask, and read the answer to its end. Times are milliseconds of performance.now():
 *   asked      fetch was called
 *   sent       the browser sent it; between the two the browser kept it
 *   begun      Nginx had it, where the log says when (log.js), and else when it was sent
 *   served     the application began; between the two it was in line at the server
 *   left       it left the application: when the first byte came, of a stream when the last did; earlier where the log says so
 *   read       when the browser had read that
 *   end        all of the answer was here
 * `pieces` are the times at which something came. `known` is false where the browser does not say when it sent: then sent is asked.
 * `onFirst` is called when the first byte is here.
 */
export async function ask(origin, path, onFirst = () => {}) {
  asked += 1;
  const url = `${origin}${path}#${asked}`; // the fragment is not sent: it is the name by which the browser's times are found
  const entry = new Promise((resolve) => waiting.set(url, resolve));
  const began = performance.now();
  const found = { asked: began, path, pieces: [], status: 0, id: "", app: 0 };
  try {
    const response = await fetch(url, { cache: "no-store" });
    found.status = response.status;
    found.id = response.headers.get("X-Request-ID") ?? "";
    found.first = performance.now();
    found.app = applicationTime(response);
    onFirst(found);
    for (const reader = response.body.getReader(); ;) {
      const { done } = await reader.read();
      if (done) break;
      found.pieces.push(performance.now());
    }
  } catch (error) {
    found.error = String(error);
  }
  found.end = performance.now();
  found.first ??= found.end;
  const times = found.error ? null : await Promise.race([entry, later(PATIENCE)]);
  waiting.delete(url);
  found.known = Boolean(times?.requestStart);
  if (found.known)
    Object.assign(found, { asked: times.startTime, sent: times.requestStart, first: times.responseStart, end: times.responseEnd });
  else found.sent = found.asked;
  found.begun = found.sent;
  found.served = Math.max(found.sent, found.first - found.app);
  found.streamed = found.pieces.length > 2;
  found.left = found.streamed ? found.end : found.first;
  found.read = found.left;
  return found;
}

function applicationTime(response) {
  const dur = /(?:^|,\s*)app;dur=([\d.]+)/.exec(response.headers.get("Server-Timing") ?? "");
  return dur ? Number(dur[1]) : 0;
}

function later(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds, null));
}
