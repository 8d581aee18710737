// What the services say of themselves, and what they do now.
import { ask } from "./asks.js";
import { SERVICES } from "./dom.js";

const LOOKS = 12; // at a service, to see how many processes answer
const PROBES = 5; // requests one after another, to see what one costs
const GLANCE = 2000; // milliseconds, for the monitor to tell what the services do
const names = Object.keys(SERVICES);

/** How many a service holds at once, as it says, how many processes answer, and what a request costs beside its wait (milliseconds). */
async function look(way, service) {
  const answers = await Promise.all(
    Array.from({ length: LOOKS }, async (_, number) => (await fetch(`${way.origin(number)}/${service}/`, { cache: "no-store" })).json()),
  );
  return { slots: answers[0].slots, loops: new Set(answers.map(({ host, pid }) => `${host} ${pid}`)).size, cost: 0 };
}

/** Return the same of all three, by name. A browser that shares the CPUs measures what a request costs all of them: one after another, alone. */
export async function lookAtAll(way) {
  const found = Object.fromEntries(await Promise.all(names.map(async (service) => [service, await look(way, service)])));
  for (const service of names) {
    const costs = [];
    for (let probe = 0; probe < PROBES; probe += 1) {
      const { sent, end } = await ask(way.origin(0), `/${service}/json`); // alone, one after another
      costs.push(end - sent);
    }
    found[service].cost = costs.sort((less, more) => less - more)[Math.floor(PROBES / 2)];
  }
  return found;
}

/** That in a few words. `blocks`: the requests block an event loop. */
export function held({ slots, loops }, blocks) {
  if (slots) return `· holds ${slots} at once`;
  const many = blocks ? `${loops} at once` : "all";
  return loops > 1 ? `· ${loops} event loops hold ${many}` : `· 1 event loop holds ${many}`;
}

/** What the services do now, as the monitor tells (docs/live.md); null where it tells nothing. */
export function glance() {
  return new Promise((resolve) => {
    const source = new EventSource("/live/events");
    const done = (found) => {
      source.close();
      resolve(found);
    };
    source.onmessage = ({ data }) => done(JSON.parse(data));
    source.onerror = () => done(null);
    setTimeout(done, GLANCE, null);
  });
}
