// Words and numbers as the page shows them, in two languages. Computes nothing.
"use strict";

const texts = JSON.parse(document.getElementById("texts").textContent);
let language = "en";

/** The text of a key in the language of the page, with {name} replaced. */
function text(key, values = {}) {
  const found = texts[language][key] ?? texts.en[key] ?? key;
  return found.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

/** JSON has no infinity: the server writes it as a word. */
function number(value) {
  return value === null || value === undefined ? NaN : Number(value);
}

const raised = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

/** 10⁻⁷ */
function power(exponent) {
  return "10" + String(exponent).split("").map(c => raised[c]).join("");
}

/** A few digits, as people write them: 0.0123, 4.56·10⁻⁷, ∞. */
function short(value, digits = 3) {
  const x = number(value);
  if (Number.isNaN(x)) return "–";
  if (!Number.isFinite(x)) return x > 0 ? "∞" : "−∞";
  if (x === 0) return "0";
  const size = Math.abs(x);
  if (size >= 1e-3 && size < 1e4) return String(Number(x.toPrecision(digits))).replace("-", "−");
  const [mantissa, exponent] = x.toExponential(digits - 1).split("e");
  return `${mantissa.replace("-", "−")}·${power(Number(exponent))}`;
}

/** A part of a whole: 12.3 %. */
function percent(part) {
  return `${short(100 * number(part))} %`;
}

/** An eigenvalue: 0.800, 0.600 ± 0.500 i. */
function complex(re, im, isPair) {
  const real = re.toFixed(3).replace("-", "−");
  return isPair ? `${real} ± ${Math.abs(im).toFixed(3)} i` : real;
}

/** Fills in every element that names its text. */
function translate() {
  document.documentElement.lang = language === "zh" ? "zh-Hans" : "en";
  for (const element of document.querySelectorAll("[data-text]")) {
    element.replaceChildren(...math(text(element.dataset.text)));
  }
  for (const element of document.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", plain(text(element.dataset.label)));
  }
}

/** A formula in the notation of the documentation, W_hhᵀ ∂L/∂h_{t+1}, as nodes with lowered indices. */
function math(source) {
  const nodes = [];
  let rest = source;
  for (let match; (match = /_(\{[^}]*\}|[A-Za-z0-9]+)/.exec(rest));) {
    nodes.push(rest.slice(0, match.index));
    const lowered = document.createElement("sub");
    lowered.textContent = match[1].replace(/[{}]/g, "");
    nodes.push(lowered);
    rest = rest.slice(match.index + match[0].length);
  }
  nodes.push(rest);
  return nodes;
}

/** The same without marks, for those who hear it. */
function plain(source) {
  return source.replace(/_\{?([^}\s]*)\}?/g, " $1");
}
