// What a race may show. `plan` says which requests go to each service and when (milliseconds after the start); `finish` predicts when the
// last of those that count is answered, in seconds, from how many the service holds at once: `slots` of threads or processes, or
// `loops`, each of which holds what comes. `null`: no prediction from these alone.
const SLOW = 4; // as many as Flask has workers, where nobody changed that
const TOKEN = 0.1; // seconds

const same = (path) => (requests, amount) => Array.from({ length: requests }, () => ({ path: path(amount), after: 0 }));
const inTurns = (requests, hold, at) => Math.ceil(requests / at) * hold;

export const PRESETS = {
  queue: {
    about: "Each request waits, as for a database or an API. How many does a service hold at once?",
    requests: 40,
    amount: { label: "Seconds each waits", value: 0.5, min: 0.05, max: 5 },
    plan: same((wait) => `/wait?seconds=${wait}`),
    finish: ({ slots }, requests, wait) => (slots ? inTurns(requests, wait, slots) : wait),
    why: "Nobody is faster: each request takes its wait. A sync worker waits with its request, so the others stand in line. An event loop takes the next one meanwhile. More workers would shorten the line too, a process for each: make up FLASK_WORKERS=8.",
    next: "make lab X=queue",
  },
  blocked: {
    about: "The classic mistake: a view that blocks, where an event loop runs. Who is faster now?",
    requests: 12,
    amount: { label: "Seconds each blocks", value: 0.25, min: 0.05, max: 2 },
    plan: same((hold) => `/block?seconds=${hold}`),
    finish: ({ slots, loops }, requests, hold) => inTurns(requests, hold, slots || loops),
    why: "A loop that is blocked runs nothing else: one request at a time in each of its processes. Four sync workers are four at a time. Async code has to wait with await, or to leave the blocking call to a thread.",
    next: "make lab X=blocked-loop",
  },
  cpu: {
    about: "Work for the CPU, and no wait at all. Does an event loop help?",
    requests: 12,
    amount: { label: "Units of work", value: 100, min: 1, max: 500, whole: true },
    plan: same((work) => `/cpu?work=${work}`),
    finish: () => null,
    why: "No. There is nothing to do meanwhile: each process computes one request after another, and all of them share this machine's CPUs.",
    next: "make lab X=cpu-bound",
  },
  neighbour: {
    about: `${SLOW} slow requests come first, and quick ones a moment later. Who has to wait for somebody else's slow request?`,
    requests: 16,
    amount: { label: `Seconds of each of ${SLOW} slow requests`, value: 2, min: 0.5, max: 5 },
    plan: (requests, wait) => [
      ...Array.from({ length: SLOW }, () => ({ path: `/wait?seconds=${wait}`, after: 0, slow: true })),
      ...Array.from({ length: requests }, () => ({ path: "/json", after: 100 })),
    ],
    finish: ({ slots }, _requests, wait) => (slots && slots <= SLOW ? wait : null),
    why: "Where every worker holds a slow request, quick ones stand in line behind them. An event loop answers them at once. A fifth worker would have helped as well, until a fifth slow request comes.",
    next: "make lab X=one-slow",
  },
  stream: {
    about: "Answers that come word by word, as an AI's do. When does each reader see his first word?",
    requests: 8,
    amount: { label: "Seconds each stream lasts", value: 2, min: 0.5, max: 10 },
    plan: same((lasts) => `/stream?chunks=${Math.round(lasts / TOKEN) + 1}&interval=${TOKEN}`),
    finish: ({ slots }, requests, lasts) =>
      slots ? inTurns(requests, Math.round(lasts / TOKEN) * TOKEN, slots) : Math.round(lasts / TOKEN) * TOKEN,
    why: "A stream holds a sync worker from its first word to its last. The fifth reader sees nothing until somebody else's stream is over.",
    next: "make lab X=streaming",
  },
};
