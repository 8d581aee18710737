// A service's lane: a row for each request, its time from left to right, on a scale that all lanes share.
import { element, seconds } from "./dom.js";

const AIR = 1.08; // behind the last bar
const FAR = 4; // times what is shown: to where a bar goes whose end is not known
// A request that begins so shortly before another ends follows it, on the same worker: answers reach the browser late by turns. In
// milliseconds, and as a share of its time.
const [TOUCHING, SHARE] = [20, 0.2];

export class Lane {
  constructor(figure) {
    this.figure = figure;
    this.track = figure.querySelector(".track");
    this.seen = figure.querySelector(".seen");
    this.said = figure.querySelector(".said");
  }

  /** Show what is predicted of each request, as outlines, before any is sent; where nothing is, `otherwise` says why. */
  preview(predicted, finish, width, otherwise) {
    this.lay(predicted ?? [], finish, width);
    if (!predicted) this.track.replaceChildren(element("p", { class: "note" }, otherwise));
    this.rows.forEach((row, number) => {
      const { begun, end } = predicted[number];
      row.append(this.bar("waits", 0, begun), this.bar("ghost", begun, end));
    });
    this.order((number) => predicted[number].begun);
    this.point(width);
  }

  /** Begin anew: an empty row for each request. `width` are the milliseconds that the lane shows at first. */
  begin(plan, finish, width) {
    this.lay(plan, finish, width);
    this.box.after(this.cover);
    this.track.setAttribute("aria-label", "The race runs");
    this.said.textContent = "";
    this.asks = [];
  }

  lay(requests, finish, width) {
    this.predicted = finish;
    this.width = width;
    this.rows = requests.map(() => element("div", { class: "row" }));
    this.box = element("div", { class: "rows" }, ...this.rows);
    this.box.style.setProperty("--rows", this.rows.length);
    this.cover = element("div", { class: "cover" });
    this.line = element("div", { class: "finish" });
    this.track.replaceChildren(this.box, this.line);
  }

  /** Draw what is known: of a request that is over its parts, of one under way how long it is. `scale` and `now` are ms after the start. */
  draw(started, now, scale) {
    // What is under way has a bar that goes on, behind a cover that moves: else the browser would draw a hundred bars anew, again and
    // again, with the CPUs that the services need, and would read their answers late.
    this.cover.style.transform = `translateX(${share(now, scale)})`;
    this.box.style.transform = `scaleX(${this.width / scale})`;
    this.point(scale);
    this.rows.forEach((row, number) => {
      const ask = this.asks[number];
      if (ask && row.dataset.stage !== stage(ask)) this.fill(row, ask, started, now);
    });
    this.order((number) => this.asks[number]?.served ?? this.asks[number]?.first ?? Infinity);
  }

  /** Place the line of the predicted finish. */
  point(scale) {
    this.line.hidden = this.predicted === null;
    if (this.predicted !== null) this.line.style.transform = `translateX(${share(this.predicted * 1000, scale)})`;
  }

  /** Order the rows by when they began to be served, so that turns are steps. Moved and not laid out anew: that costs less. */
  order(begun) {
    const order = this.rows.map((_, number) => number).sort((one, other) => begun(one) - begun(other) || one - other);
    order.forEach((number, rank) => this.rows[number].style.setProperty("--rank", rank));
    return order;
  }

  /** The race is over: in the document too the rows are in the order in which they are seen. */
  settle() {
    this.cover.remove();
    this.box.append(...this.order((number) => this.asks[number].served).map((number) => this.rows[number]));
  }

  fill(row, ask, started, now) {
    const far = started + FAR * Math.max(now, this.width);
    const parts = ask.end === undefined ? underWay(ask, far) : over(ask);
    row.replaceChildren(
      ...parts.filter(([, from, to]) => to > from).map(([kind, from, to]) => this.bar(kind, from - started, to - started)),
    );
    if (ask.streamed) row.append(...ask.pieces.map((at) => this.bar("piece", at - started, at - started)));
    Object.assign(row.dataset, { stage: stage(ask), id: ask.id, status: ask.status });
  }

  bar(kind, from, to) {
    const made = element("span", { class: `bar ${kind}`, "data-kind": kind, "data-from": from.toFixed(2), "data-to": to.toFixed(2) });
    made.style.left = share(from, this.width);
    made.style.width = share(to - from, this.width);
    return made;
  }
}

// Where the log says when all of an answer had been sent, the rest of its way is the browser's too.
const over = ({ asked, sent, begun, served, left, read, end, told }) => [
  ["browser", asked, sent],
  ["out", sent, begun],
  ["queued", begun, served],
  ["served", served, left],
  ["late", left, read],
  [told ? "reading" : "way", read, end],
];
const underWay = ({ asked, first }, far) =>
  first ? over({ asked, sent: asked, begun: asked, served: first, left: far, read: far, end: far }) : [["open", asked, far]];
const stage = ({ first, end, told }) => {
  if (end === undefined) return first === undefined ? "asked" : "answered";
  return told ? "told" : "over";
};
const share = (milliseconds, scale) => `${((100 * milliseconds) / (scale * AIR)).toFixed(3)}%`;

/** The most requests that were in the application at the same moment; none that was there too shortly to be told apart. */
export function mostAtOnce(asks) {
  const changes = asks.flatMap(({ served, left }) => {
    const until = left - Math.max(TOUCHING, SHARE * (left - served));
    return until > served
      ? [
          [served, 1],
          [until, -1],
        ]
      : [];
  });
  changes.sort(([one, up], [other, down]) => one - other || up - down);
  let now = 0;
  let most = 0;
  for (const [, change] of changes) most = Math.max(most, (now += change));
  return most;
}

/** Marks for an axis below a lane, some five of them. */
export function marks(milliseconds) {
  const rough = milliseconds / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
  return Array.from({ length: Math.floor(milliseconds / step) + 1 }, (_, number) => {
    const mark = element("span", { class: "mark" }, seconds((number * step) / 1000));
    mark.style.left = share(number * step, milliseconds);
    return mark;
  });
}
