// When each request of a race is predicted to be served, from what is known without it: when it was sent, how long it waits, how many
// requests the service holds at once, and what a request costs beside its wait.

/**
 * Return `{ begun, end }` of each request of `plan`, in milliseconds as `sent` is; null where the wait is not known, as of work for the CPU.
 * A worker holds one request to its end. So does an event loop that the request blocks; else the loop holds all that come.
 */
export function predict(plan, sent, { slots, loops, cost }, blocks) {
  if (plan.some(({ wait }) => wait === null)) return null;
  const free = slots || blocks ? Array.from({ length: slots || loops }, () => 0) : null;
  const found = [];
  const turns = plan.map((_, number) => number).sort((one, other) => sent[one] - sent[other]);
  for (const number of turns) {
    let begun = sent[number];
    const took = plan[number].wait * 1000 + cost;
    if (free) {
      free.sort((one, other) => one - other);
      begun = Math.max(begun, free[0]);
      free[0] = begun + took;
    }
    found[number] = { begun, end: begun + took };
  }
  return found;
}

/** Seconds until the last request that counts is answered: not those that are slow on purpose. */
export function finish(plan, predicted) {
  return predicted && Math.max(...predicted.filter((_, number) => !plan[number].slow).map(({ end }) => end)) / 1000;
}
