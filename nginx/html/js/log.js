// Lines of Nginx's log, by the ids of their requests. Nginx writes them a moment after the answer, and the monitor waits for them.
const ROUNDING = 5; // milliseconds by which clocks that count them differ: what ended later than it was read ended as it was read

/** Those that are found; none where nobody keeps the log. */
export async function lines(ids) {
  if (!ids.length) return [];
  const answer = await fetch(`/live/requests/${ids.join(",")}`, { cache: "no-store" }).catch(() => null);
  return answer?.ok ? (await answer.json()).lines : [];
}

/**
 * Take from Nginx's lines when each request was at the server: from `begun` to `left`. What the browser read later than that was kept by
 * the browser, until `read`. How long it was there is Nginx's word; when it ended is so too where that lies between the browser's times.
 * It does not on another machine's clock, or when much came at once: Nginx looks at the clock once in a turn of its loop.
 */
export async function tellLate(asks) {
  const found = await lines(asks.map(({ id }) => id));
  const entries = new Map(found.map((line) => [line.request_id, line]));
  const now = Date.now() - performance.now(); // the time of day at this page's zero
  for (const ask of asks) {
    const entry = entries.get(ask.id);
    if (!ask.known || !entry) continue;
    ask.told = true;
    const took = Math.max(entry.request_time * 1000, ask.app); // Nginx's clock has milliseconds
    const earliest = ask.sent + took;
    const ended = entry.ended * 1000 - now;
    const between = ended > earliest && ended < ask.read + ROUNDING;
    ask.left = Math.min(ask.read, between ? ended : earliest);
    ask.begun = Math.max(ask.sent, ask.left - took);
    if (!ask.streamed) ask.served = Math.max(ask.begun, ask.left - ask.app);
  }
}
