// Readers of one board on all services, and somebody who posts: what is posted through one reaches all.
import { SERVICES, element, seconds } from "./dom.js";

const BACK = 500; // milliseconds before a reader who was cut off comes back
const SHOWN = 6;
const READERS = [
  { service: "fastapi", by: "WebSocket" },
  { service: "django", by: "WebSocket" },
  { service: "django", by: "WebSocket" }, // Nginx sends the second one to the other replica
  { service: "flask", by: "Server-Sent Events" },
];

let board = null;
let shown = false;
let readers = [];
const posted = new Map(); // by the id of a message: when it was sent, and after how many seconds each reader had it

/** One who reads a board, and comes back to where he was when he is cut off. */
class Reader {
  constructor({ service, by }) {
    this.service = service;
    this.by = by;
    this.state = element("p", { class: "note state", role: "status" }, "not connected");
    this.list = element("ol", { class: "messages" });
    const hint = by === "WebSocket" ? null : element("p", { class: "note" }, "It holds one of Flask's workers as long as it is open.");
    this.panel = element(
      "section",
      { class: "reader", "data-service": service, "data-by": by },
      element("h3", {}, `${SERVICES[service]} · ${by}`),
      ...(hint ? [hint] : []),
      this.state,
      this.list,
    );
    this.seen = null;
  }

  open() {
    this.closed = false;
    const after = this.seen === null ? "" : `?after=${this.seen}`;
    if (this.by === "WebSocket") {
      const scheme = location.protocol === "https:" ? "wss:" : "ws:";
      this.source = new WebSocket(`${scheme}//${location.host}/${this.service}/boards/${board.id}/chat${after}`);
      this.source.onmessage = ({ data }) => JSON.parse(data).forEach((message) => this.take(message));
      this.source.onclose = ({ code }) => this.cut(`closed with code ${code}`);
    } else {
      this.source = new EventSource(`/${this.service}/boards/${board.id}/feed`); // it comes back by itself, with the last id
      this.source.onmessage = ({ data }) => data && this.take(JSON.parse(data));
      this.source.onerror = () => this.tell("the stream ended, the browser comes back");
    }
    this.source.onopen = () => this.tell("connected");
  }

  cut(why) {
    if (this.closed) return;
    this.tell(`${why}, comes back`);
    setTimeout(() => this.closed || this.open(), BACK);
  }

  close() {
    this.closed = true;
    const { source } = this;
    if (source?.readyState === 0 && this.by === "WebSocket") source.onopen = () => source.close(); // before, a browser calls it an error
    else source?.close();
    this.tell("not connected");
  }

  tell(state) {
    this.state.textContent = state;
    this.panel.dataset.state = state;
  }

  take({ id, author, text }) {
    this.seen = id;
    const line = element("li", { "data-id": id }, element("b", {}, author), ` ${text} `);
    this.list.prepend(line);
    while (this.list.children.length > SHOWN) this.list.lastChild.remove();
    const came = performance.now();
    const say = () => {
      if (!posted.has(id)) return;
      const { sent, after } = posted.get(id);
      after.push(Math.max(0, came - sent) / 1000);
      line.append(element("span", { class: "note" }, `after ${seconds(after.at(-1))}`));
      finding.textContent = `Read by ${after.length} of ${readers.length} readers within ${seconds(Math.max(...after))}`;
    };
    if (posted.has(id)) say();
    else setTimeout(say, 1000); // it may be here before the answer to the one who posted it
  }
}

const form = element(
  "form",
  { class: "fields", id: "talk-form" },
  element("label", {}, "Name", element("input", { type: "text", name: "author", value: "Ada", maxlength: 50, required: true })),
  element("label", {}, "Message", element("input", { type: "text", name: "text", value: "Hello", maxlength: 200, required: true })),
  element(
    "label",
    {},
    "Posted through",
    element("select", { name: "service" }, ...Object.entries(SERVICES).map(([service, name]) => element("option", { value: service }, name))),
  ),
  element("button", { type: "submit" }, "Post"),
);
const error = element("p", { class: "error", role: "alert" });
const label = element("p", { class: "label" }, "The readers connect …");
const finding = element("p", { class: "finding", role: "status" }, "Four readers, and one board");
const panels = element("div", { class: "readers" });
const asks = element("button", { type: "button", id: "talk-refused" }, "Ask Flask for a WebSocket");
const refusal = element("pre", { class: "wide", role: "status" });
refusal.hidden = true;

async function post(event) {
  event.preventDefault();
  const { author, text, service } = Object.fromEntries(new FormData(form));
  const sent = performance.now();
  const headers = { "Content-Type": "application/json", "Idempotency-Key": key() };
  try {
    const answer = await fetch(`/${service}/boards/${board.id}/messages`, {
      method: "POST",
      headers,
      body: JSON.stringify({ author, text }),
    });
    const said = await answer.json();
    error.textContent = answer.ok ? "" : `${answer.status}: ${said.detail}`;
    if (answer.ok) posted.set(said.id, { sent, after: [] });
  } catch {
    error.textContent = "The stack does not answer. In the checkout: make status";
  }
}

/** WSGI has no word for a socket; what Flask answers says so. */
async function refused() {
  const answer = await fetch(`/flask/boards/${board.id}/chat`);
  refusal.textContent = `GET /flask/boards/${board.id}/chat\n${answer.status} ${answer.statusText}\n${JSON.stringify(await answer.json(), null, 2)}`;
  refusal.hidden = false;
}

/** A key that a request has when it is sent again. Not randomUUID, which browsers keep from a page over HTTP on a network. */
function key() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export async function enter() {
  shown = true;
  const found = await (await fetch("/fastapi/boards?limit=1")).json();
  [board] = found.boards;
  if (!board) {
    error.textContent = "There is no board. In the checkout: make up makes some.";
    return;
  }
  label.textContent = `The board is “${board.name}”, with ${board.messages} messages so far. Post one: each reader says how long it took.`;
  if (shown) readers.forEach((reader) => reader.open()); // it may have been left meanwhile
}

export function leave() {
  shown = false;
  readers.forEach((reader) => reader.close());
}

readers = READERS.map((reader) => new Reader(reader));
panels.append(...readers.map(({ panel }) => panel));
form.addEventListener("submit", post);
asks.addEventListener("click", refused);
document.querySelector("#talk-view").append(form, error, label, finding, panels, element("p", {}, asks), refusal);
