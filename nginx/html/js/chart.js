// A line chart of the last minute, one line a service. Only what is drawn: the numbers themselves stand in a table beside it.
const SECONDS = 60;
const [WIDTH, HEIGHT] = [300, 90];
const SVG = "http://www.w3.org/2000/svg";

function svg(name, attributes = {}) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

export class LineChart {
  /** `names` are the lines, `format` writes a value for people, and `meaning` says what to see in it. */
  constructor({ title, meaning, format }, names) {
    this.format = format;
    this.figure = document.createElement("figure");
    this.figure.className = "chart";
    const caption = document.createElement("figcaption");
    this.most = document.createElement("span");
    caption.append(title, " ", this.most);
    this.svg = svg("svg", {
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      preserveAspectRatio: "none",
      role: "img",
      "aria-label": `${title}, the last minute`,
    });
    this.lines = Object.fromEntries(
      names.map((name) => [
        name,
        this.svg.appendChild(svg("polyline", { class: "line", "data-service": name, "vector-effect": "non-scaling-stroke" })),
      ]),
    );
    this.points = Object.fromEntries(names.map((name) => [name, []]));
    const note = document.createElement("p");
    note.className = "note";
    note.textContent = meaning;
    this.figure.append(caption, this.svg, note);
  }

  /** Add a value of each line at a time in seconds; null leaves it as it is. */
  add(time, values) {
    for (const [name, value] of Object.entries(values)) {
      const points = this.points[name];
      if (value !== null && value !== undefined) points.push([time, value]);
      while (points.length && points[0][0] < time - SECONDS) points.shift();
    }
    const most = Math.max(...Object.values(this.points).flatMap((points) => points.map(([, value]) => value)), 1e-9);
    this.most.textContent = most > 1e-9 ? `up to ${this.format(most)}` : "";
    for (const [name, points] of Object.entries(this.points)) {
      const at = ([when, value]) =>
        `${(WIDTH * (1 - (time - when) / SECONDS)).toFixed(1)},${(HEIGHT - 2 - (HEIGHT - 6) * (value / most)).toFixed(1)}`;
      this.lines[name].setAttribute("points", points.map(at).join(" "));
    }
  }
}
