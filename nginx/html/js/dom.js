/** An element with attributes and children; text is always text. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

/** Seconds for people: three digits, in the unit that suits. */
export function seconds(value) {
  if (value === null || value === undefined) return "–";
  if (value < 0.0995) return `${Number((value * 1000).toPrecision(2))} ms`;
  return value < 0.9995 ? `${Math.round(value * 1000)} ms` : `${Number(value.toPrecision(3))} s`;
}

/** Seconds with one decimal, for the eye to compare; with two where one would say nothing. */
export const tenths = (value) => `${value.toFixed(value < 0.05 ? 2 : 1)} s`;

export const count = new Intl.NumberFormat("en").format;

export const SERVICES = { flask: "Flask", fastapi: "FastAPI", django: "Django" };
