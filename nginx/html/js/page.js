// Which view is shown. Each is a module that is loaded when it is first looked at.
const VIEWS = {
  race: () => import("./race.js"),
  live: () => import("./live.js"),
  talk: () => import("./talk.js"),
  path: () => import("./path.js"),
  results: () => import("./results.js"),
  facts: async () => ({}),
};
const shown = new Map();
let current = null;

/** Show the view that the address names: the race, where it names none. */
async function show() {
  const asked = location.hash.slice(1);
  const name = asked in VIEWS ? asked : "race";
  document.documentElement.dataset.view = name;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${document.querySelector(`#${name}-title`).textContent} · Two Gates`;
  if (current && current !== name) shown.get(current)?.leave?.();
  current = name;
  if (!shown.has(name)) shown.set(name, await VIEWS[name]());
  if (current === name) shown.get(name).enter?.();
}

/** In production there is nothing for show: only the facts. */
async function begin() {
  const { profile } = await (await fetch("/page.json")).json();
  if (profile === "production") {
    const notice = document.querySelector("#notice");
    notice.textContent = "This stack runs in production mode, where there is nothing for show. Here are the facts.";
    notice.hidden = false;
    document.documentElement.dataset.view = "facts";
    document.querySelector("nav").remove();
    return;
  }
  addEventListener("hashchange", show);
  await show();
}

await begin();
