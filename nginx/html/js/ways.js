// By which names the race asks. A browser opens six connections to a host on HTTP/1.1 and keeps all other requests for itself, which would
// be taken for a line at the server. On HTTP/2 it has one connection and a stream for each request; on HTTP/1.1 this machine has other
// names (nginx/http/race.conf), and six connections to each.
const CONNECTIONS = 6;
const STREAMS = 128; // Nginx's http2_max_concurrent_streams, by default
const NAMES = 40; // a browser opens some 250 connections in all

/** How requests go, with `origin(n)` for the n-th of those that are under way at once, and `most` of these. */
export async function findWay() {
  const protocol = performance.getEntriesByType("navigation")[0]?.nextHopProtocol || "http/1.1";
  if (/^h[23]/.test(protocol)) {
    const name = protocol === "h2" ? "HTTP/2" : "HTTP/3";
    return {
      most: STREAMS,
      origin: () => location.origin,
      warm: async () => {},
      text: `${name}: one connection, and a stream for each request.`,
    };
  }
  if (location.protocol === "http:" && (await answers(named(0)))) {
    return {
      most: NAMES * CONNECTIONS,
      origin: (number) => named(Math.floor(number / CONNECTIONS) % NAMES),
      warm: (requests) => warm(requests),
      text: `HTTP/1.1: a browser opens ${CONNECTIONS} connections to a host, so the requests go to several names of this machine.`,
    };
  }
  return {
    most: CONNECTIONS,
    origin: () => location.origin,
    warm: async () => {},
    text: `HTTP/1.1: this browser sends ${CONNECTIONS} requests at once and keeps the others. The race needs the page over HTTPS (make trust says how), or a browser that knows *.localhost.`,
  };
}

const named = (number) => `${location.protocol}//r${number}.localhost${location.port && `:${location.port}`}`;

async function answers(origin) {
  try {
    return (await fetch(`${origin}/healthz`, { cache: "no-store" })).ok;
  } catch {
    return false;
  }
}

/** Open the connections before the race: else the first requests would wait for theirs. */
async function warm(requests) {
  const hosts = Array.from({ length: Math.min(NAMES, Math.ceil(requests / CONNECTIONS)) }, (_, number) => named(number));
  await Promise.all(hosts.flatMap((host) => Array.from({ length: CONNECTIONS }, () => answers(host))));
}
