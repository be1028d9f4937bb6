// The page of the chapter: what is set, its address, and the numbers of the library that answer to it.

const presets = {
  vanishing: { e: "0.6,0.3", g: 0 },
  stable: { e: "0.98~0.12,0.7", g: 0 },
  exploding: { e: "1.12,0.8", g: 0 },
  rotation: { e: "0.9~0.43,0.5~0.83", g: 0 },
  nonnormal: { e: "0.75,0.72,0.69,0.66,0.63,0.6", g: 2 },
};
const byDefault = { T: 50, loss: "last", g: 0, cut: "none", k: 10, clip: 1, rate: 0.05, scale: "linear", arrow: "state" };
const state = { ...byDefault, poles: [], s: null, t: null };
const timings = []; // from an input to the redrawn page, in milliseconds; tests read it
const at = id => document.getElementById(id);

const polesOf = words => words.split(",").map(part => {
  const [re, im] = part.split("~");
  return { re: Number(re), im: Number(im ?? 0), pair: im !== undefined };
});
const units = () => state.poles.reduce((sum, p) => sum + (p.pair ? 2 : 1), 0);

/** The scene as the server reads it. */
function scene() {
  const words = {
    e: state.poles.map(p => p.pair ? `${p.re}~${p.im}` : `${p.re}`).join(","),
    T: state.T, loss: state.loss, g: state.g, cut: state.cut, k: state.k, clip: state.clip, rate: state.rate,
  };
  if (state.s) words.s = state.s;
  return Object.fromEntries(Object.entries(words).map(([key, value]) => [key, String(value)]));
}

/** Takes over the words of an address or a lesson; what they do not tell has its default. */
function take(words) {
  const numbers = ["T", "g", "k", "clip", "rate"];
  for (const [key, value] of Object.entries(byDefault)) {
    state[key] = words[key] === undefined ? value : numbers.includes(key) ? Number(words[key]) : words[key];
  }
  state.poles = polesOf(words.e ?? "0.8,0.4");
  state.s = words.s ? Number(words.s) : null;
  state.t = words.t !== undefined ? Number(words.t) : null;
}

let addressTimer = 0;
function keepAddress() {
  clearTimeout(addressTimer);
  addressTimer = setTimeout(() => {
    const words = { lesson: lessonList.current, lang: language, ...scene(), scale: state.scale, arrow: state.arrow };
    if (state.t !== null) words.t = state.t;
    history.replaceState(null, "", `?${new URLSearchParams(words).toString().replace(/%2C/g, ",").replace(/%7E/g, "~")}`);
  }, 250);
}

// One question at a time: while the server answers, later moves wait, and only the last of them is asked.
let isAsking = false;
let waitsSince = null;
let current = null;

function changed(isNewModel = true) {
  if (isNewModel) training.reset();
  showControls();
  plane.show(state.poles);
  keepAddress();
  waitsSince ??= performance.now();
  if (!isAsking) ask();
}

async function ask() {
  isAsking = true;
  while (waitsSince !== null) {
    const since = waitsSince;
    waitsSince = null;
    try {
      const answer = await post("scene", scene());
      if (answer) {
        current = answer;
        draw();
        timings.push(performance.now() - since);
      }
    } catch {
      at("fault").textContent = text("gone");
      break;
    }
  }
  isAsking = false;
  if (current) askFormula();
}

async function post(what, words) {
  const answer = await fetch(what, {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(words),
  });
  at("fault").textContent = answer.ok ? "" : await answer.text();
  return answer.ok ? answer.json() : null;
}

const chosen = () => {
  const last = state.T;
  const t = Math.min(last, Math.max(state.arrow === "weight" ? 1 : 0, state.t ?? last));
  return { arrow: state.arrow, t, isLast: t === last };
};

let formulaAsked = "";
async function askFormula() {
  const { arrow, t } = chosen();
  const words = { ...scene(), arrow, t: String(t) };
  const asked = JSON.stringify([words, language]);
  if (asked === formulaAsked) return;
  formulaAsked = asked;
  const formula = await post("formula", words);
  if (formula && asked === formulaAsked) showFormula(at("formula"), formula, { arrow, t });
}

function draw() {
  const n = current;
  document.body.dataset.verdict = n.Flow.Verdict;
  at("verdict").textContent = text(`verdict.${n.Flow.Verdict}`);
  at("factor").textContent = n.Flow.Verdict === "none" ? "" : `× ${short(n.Flow.Factor)}`;
  at("factor").dataset.value = n.Flow.Factor;
  at("summary").textContent = language === "en" ? `${n.Flow.Summary}.` : text(`sentence.${n.Flow.Verdict}`, {
    lag: n.Flow.Lag, factor: short(n.Flow.Factor), radius: n.RadiusText,
  });
  at("radius").textContent = n.RadiusText;
  at("norm").textContent = n.NormText;
  at("growth").textContent = n.TransientGrowth === null
    ? (n.SpectralRadius > 1 ? "∞" : "–") : `${short(n.TransientGrowth)} (k = ${n.TransientPeak})`;
  at("loss").textContent = short(n.Loss, 4);
  state.poles.forEach((pole, i) => {
    const mode = n.Modes.find(m => Math.abs(m.Re - pole.re) < 1e-6 && Math.abs(Math.abs(m.Im) - pole.im) < 1e-6);
    pole.magnitude = mode?.Magnitude;
    at(`magnitude-${i}`)?.replaceChildren(mode ? mode.Magnitude.toFixed(3) : "");
  });
  plane.show(state.poles);
  plane.showGoal(n.Goal);
  drawGraph();
  drawCurves();
  drawClipping();
}

function drawGraph() {
  if (!current) return;
  const { t } = chosen();
  const window = graph.windowAt(t, current.Steps);
  ribbon.show(current, t, window, state.scale === "log");
  graph.show(current, chosen(), window, state.scale === "log");
  at("graph-values").replaceChildren(...math(
    `‖∂L/∂h_${t}‖ = ${short(current.StateGradients[t])}, ‖h_${t}‖ = ${short(current.States[t])}`));
}

function drawCurves() {
  const { SourceFlow: flow, Lags: lags, Truncation: cut, Source: source } = current;
  flowChart.show({
    title: text("flow.title"), x: text("flow.x"), last: Math.max(1, current.Steps - 1),
    series: [
      { name: text("flow.one", { s: source }), kind: "subject", values: flow.Values },
      { name: text("flow.envelope"), kind: "dashed", values: flow.Envelope },
    ],
  });
  at("flow-verdict").textContent = flow.Verdict === "none" ? text("verdict.none") : text("flow.verdict", {
    s: source, lag: flow.Lag, factor: short(flow.Factor), verdict: text(`verdict.${flow.Verdict}`),
  });
  const isLags = state.cut === "lags" || state.cut === "windows" || state.cut === "random";
  lagChart.show({
    title: text("lags.title"), x: text("lags.x"), last: current.Steps, lines: [{ y: 0.01 }], reach: 8,
    series: lags ? [
      { name: text("lags.part"), kind: "cold", values: lags.Parts, bars: true },
      { name: text("lags.error"), kind: "hot", values: [null, ...lags.Errors.slice(0, -1)] },
    ] : [],
    marks: isLags ? [{ x: Math.min(state.k, state.T), kind: "chosen", name: `k = ${state.k}` }] : [],
  });
  at("lags-words").replaceChildren(...math([
    lags ? (lags.SmallestWindow && lags.SmallestWindow < state.T
      ? text("lags.enough", { k: lags.SmallestWindow }) : text("lags.all")) : text("lags.none"),
    cut ? text("lags.cut", { cut: text(`cut.${state.cut}`), k: state.k, error: cut.Error === null ? "–"
      : percent(cut.Error) }) : "",
  ].join(" ")));
}

function drawClipping() {
  const clip = current.Clipping;
  at("clip-words").textContent = !clip ? text("clip.none") : text(clip.Factor === 1 ? "clip.idle" : "clip.words", {
    before: short(clip.Before), after: short(clip.After), factor: short(clip.Factor),
  });
  const rows = clip ? clip.Matrices.map(m => [m.Name, m.Before, m.After]) : [];
  if (clip) rows.push(["all", clip.Before, clip.After]);
  at("clip-table").replaceChildren(...rows.map(([name, before, after]) => html("tr", {},
    html("th", { scope: "row" }, ...(name === "all" ? [text("clip.all")] : math(`∂L/∂${name}`))),
    html("td", {}, short(before)), html("td", {}, short(after)))));
}
