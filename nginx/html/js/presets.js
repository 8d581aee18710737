// What a race may show. `plan` says which requests go to each service: when (milliseconds after the start), and how many seconds each waits
// (null: what it costs is not known before). `blocks`: it holds an event loop meanwhile. `finding` says in a few words what the race showed,
// from `seen`, what each service says of itself, and `most`, how many requests each was seen to hold at once.
const SLOW = 4; // as many as Flask has workers, where nobody changed that
const TOKEN = 0.1; // seconds

const same = (path) => (requests, amount) =>
  Array.from({ length: requests }, () => ({ path: path(amount), after: 0, wait: amount }));
const flaskHolds = ({ flask }) => (flask.slots ? `Flask holds ${flask.slots} at once` : "each holds what comes");

export const PRESETS = {
  queue: {
    about: "Each request waits, as for a database or an API. How many does a service hold at once?",
    requests: 40,
    amount: { label: "Seconds each waits", value: 0.5, min: 0.05, max: 5 },
    plan: same((wait) => `/wait?seconds=${wait}`),
    finding: flaskHolds,
    why: "Nobody is faster: each request takes its wait. A sync worker waits with its request, so the others stand in line. An event loop takes the next one meanwhile. More workers would shorten the line too, a process for each: make up FLASK_WORKERS=8.",
    next: "make lab X=queue",
  },
  blocked: {
    about: "The classic mistake: a view that blocks, where an event loop runs. Which service is faster now?",
    requests: 12,
    amount: { label: "Seconds each blocks", value: 0.25, min: 0.05, max: 2 },
    plan: same((hold) => `/block?seconds=${hold}`),
    blocks: true,
    finding: () => "a blocked loop runs 1 at a time",
    why: "A loop that is blocked runs nothing else: one request at a time in each of its processes. Four sync workers are four at a time. Async code has to wait with await, or to leave the blocking call to a thread.",
    next: "make lab X=blocked-loop",
  },
  cpu: {
    about: "Work for the CPU, and no wait at all. Does an event loop help?",
    requests: 12,
    amount: { label: "Units of work", value: 100, min: 1, max: 500, whole: true },
    plan: (requests, work) => same(() => `/cpu?work=${work}`)(requests, null),
    finding: () => "all share the same CPUs",
    why: "No. There is nothing to do meanwhile: each process computes one request after another, and all of them share this machine's CPUs.",
    next: "make lab X=cpu-bound",
  },
  neighbour: {
    about: `${SLOW} slow requests come first, and quick ones a moment later. Which quick ones wait for somebody else's slow request?`,
    requests: 16,
    amount: { label: `Seconds of each of ${SLOW} slow requests`, value: 2, min: 0.5, max: 5 },
    plan: (requests, wait) => [
      ...Array.from({ length: SLOW }, () => ({ path: `/wait?seconds=${wait}`, after: 0, wait, slow: true })),
      ...Array.from({ length: requests }, () => ({ path: "/json", after: 100, wait: 0 })),
    ],
    finding: ({ flask }) =>
      flask.slots && flask.slots <= SLOW ? `${SLOW} slow requests hold all of Flask's workers` : "each had room for the quick requests",
    why: "Where every worker holds a slow request, quick ones stand in line behind them. An event loop answers them at once. A fifth worker would have helped as well, until a fifth slow request comes.",
    next: "make lab X=one-slow",
  },
  stream: {
    about: "Answers that come word by word, as an AI's do. When does each reader see the first word?",
    requests: 8,
    amount: { label: "Seconds each stream lasts", value: 2, min: 0.5, max: 10 },
    plan: (requests, lasts) => {
      const pauses = Math.round(lasts / TOKEN);
      return same(() => `/stream?chunks=${pauses + 1}&interval=${TOKEN}`)(requests, pauses * TOKEN);
    },
    finding: ({ flask }) => (flask.slots ? `Flask streams to ${flask.slots} at once` : "each streams to all at once"),
    why: "A stream holds a sync worker from its first word to its last. The fifth reader sees nothing until somebody else's stream is over.",
    next: "make lab X=streaming",
  },
};
