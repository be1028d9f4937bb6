// Elements of HTML and SVG, and the one scale that all curves share. Knows nothing of gradients.

const svgSpace = "http://www.w3.org/2000/svg";

function svg(name, attributes = {}, ...content) {
  const element = document.createElementNS(svgSpace, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...content);
  return element;
}

function html(name, attributes = {}, ...content) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...content);
  return element;
}

/** A text of SVG with lowered indices. */
function label(attributes, source) {
  const element = svg("text", attributes);
  for (const node of math(source)) {
    if (typeof node === "string") {
      if (node) element.append(node);
    } else {
      element.append(svg("tspan", { dy: "0.28em", "font-size": "72%" }, node.textContent));
      element.append(svg("tspan", { dy: "-0.2em" }, "\u200b"));
    }
  }
  return element;
}

/** Where each of some decades lies, and which of them are marked. */
function decades(values, most = 6, reach = 60) {
  const logs = values.filter(v => v > 0 && Number.isFinite(v)).map(Math.log10);
  let low = logs.length ? Math.floor(Math.min(...logs) - 0.05) : -1;
  const high = logs.length ? Math.ceil(Math.max(...logs) + 0.05) : 1;
  low = Math.max(low, high - reach);
  const stride = [1, 2, 3, 5, 10, 20].find(s => (high - low) / s <= most) ?? 20;
  const ticks = [];
  for (let d = Math.ceil(low / stride) * stride; d <= high; d += stride) ticks.push(d);
  return { low, high, ticks, at: v => (Math.log10(v) - low) / (high - low) };
}

/** Round numbers along an axis from one whole number to another. */
function counts(from, to, most = 8) {
  const span = Math.max(1, to - from);
  const stride = [1, 2, 5, 10, 20, 25, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 1e5, 1e6]
    .find(s => span / s <= most) ?? span;
  const ticks = [];
  for (let x = Math.ceil(from / stride) * stride; x <= to; x += stride) ticks.push(x);
  return ticks;
}

const isStill = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Calls back when the width of an element changes, and once at the start. */
function onWidth(element, back) {
  let last = 0;
  new ResizeObserver(() => {
    const width = Math.round(element.clientWidth);
    if (width > 0 && width !== last) {
      last = width;
      back(width);
    }
  }).observe(element);
}
