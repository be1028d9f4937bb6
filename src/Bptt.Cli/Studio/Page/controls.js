// The controls of the chapter's page, and its start. Each writes what is set and calls for a redraw.

/** A slider or a choice that belongs to a setting. */
function bind(id, key, read, show, isNewModel) {
  const element = at(id);
  element.addEventListener("input", () => {
    state[key] = read(element);
    changed(isNewModel);
  });
  return () => {
    show(element);
    const output = document.querySelector(`output[for="${id}"]`);
    if (output) output.textContent = key === "s" ? `${state.s ?? state.T}` : short(state[key], 4);
  };
}

const logarithm = 1000; // of a slider with a logarithmic scale
const asIs = key => [e => Number(e.value), e => { e.value = state[key]; }];
const word = key => [e => e.value, e => { e.value = state[key]; }];
const powerOfTen = key => [
  e => Number((10 ** (e.value / logarithm)).toPrecision(3)),
  e => { e.value = Math.log10(state[key]) * logarithm; },
];

const plane = new Plane(at("plane"), (index, re, im) => {
  Object.assign(state.poles[index], { re, im, magnitude: undefined });
  changed();
});
const graph = new Graph(at("graph"), target => {
  Object.assign(state, target);
  choose();
});
graph.onResize = drawGraph;
const ribbon = new Ribbon(at("ribbon"), t => {
  Object.assign(state, { arrow: "state", t });
  choose();
});
const flowChart = new Chart(at("flow"));
const lagChart = new Chart(at("lags"));
const training = new Training(plane, scene);
const lessonList = new Lessons(words => {
  take(words);
  changed();
});
const shows = [
  bind("steps", "T", ...asIs("T"), true),
  bind("coupling", "g", ...asIs("g"), true),
  bind("cut", "cut", ...word("cut"), false),
  bind("window", "k", ...asIs("k"), false),
  bind("source", "s", e => Number(e.value) < state.T ? Number(e.value) : null,
    e => { e.max = state.T; e.value = state.s ?? state.T; }, false),
  bind("threshold", "clip", ...powerOfTen("clip"), true),
  bind("rate", "rate", ...powerOfTen("rate"), true),
  bind("scale", "scale", ...word("scale"), false),
];

function choose() {
  keepAddress();
  drawGraph();
  askFormula();
}

for (const radio of document.querySelectorAll("input[name=loss]")) {
  radio.addEventListener("change", () => {
    state.loss = radio.value;
    changed();
  });
}
for (const button of document.querySelectorAll("[data-preset]")) {
  button.addEventListener("click", () => {
    const preset = presets[button.dataset.preset];
    state.poles = polesOf(preset.e);
    state.g = preset.g;
    changed();
  });
}
for (const [id, pole] of [["add-real", { re: 0.5, im: 0, pair: false }], ["add-pair", { re: 0.5, im: 0.4, pair: true }]]) {
  at(id).addEventListener("click", () => {
    state.poles.push({ ...pole });
    changed();
  });
}
at("copy").addEventListener("click", async () => {
  keepAddress();
  await new Promise(done => setTimeout(done, 300));
  await navigator.clipboard?.writeText(location.href).catch(() => {});
  at("copied").textContent = text("copied");
  setTimeout(() => { at("copied").textContent = ""; }, 2500);
});
for (const button of document.querySelectorAll("[data-language]")) {
  button.addEventListener("click", () => speak(button.dataset.language));
}

function speak(which) {
  language = which === "zh" ? "zh" : "en";
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", button.dataset.language === language);
  }
  translate();
  lessonList.show();
  shownPoles = "";
  training.draw();
  showControls();
  keepAddress();
  formulaAsked = "";
  if (current) {
    plane.show(state.poles);
    draw();
    askFormula();
  }
}

let shownPoles = "";
function showControls() {
  state.k = Math.min(state.k, state.T);
  if (state.s >= state.T) state.s = null;
  at("window").max = state.T;
  for (const show of shows) show();
  at("window").disabled = state.cut === "none";
  at("coupling").disabled = state.poles.length < 2;
  for (const radio of document.querySelectorAll("input[name=loss]")) radio.checked = radio.value === state.loss;
  at("add-real").disabled = units() > 7;
  at("add-pair").disabled = units() > 6;
  const kinds = state.poles.map(p => p.pair).join();
  if (kinds !== shownPoles) {
    shownPoles = kinds;
    at("poles").replaceChildren(...state.poles.map(poleRow));
  }
  state.poles.forEach((pole, i) => {
    for (const part of ["re", "im"]) {
      const field = at(`${part}-${i}`);
      if (field && document.activeElement !== field) field.value = pole[part];
    }
  });
}

/** A row with the coordinates of an eigenvalue in fields of their own. */
function poleRow(pole, index) {
  const field = part => {
    const input = html("input", { type: "number", step: 0.01, min: part === "im" ? 0 : -1.6, max: 1.6,
      id: `${part}-${index}`, "aria-label": text(`aria.${part}`, { n: index + 1 }) });
    input.addEventListener("input", () => {
      const value = Number(input.value);
      const now = state.poles[index];
      if (input.value !== "" && Number.isFinite(value)) {
        plane.move(index, part === "re" ? value : now.re, part === "im" ? value : now.im);
      }
    });
    return html("td", {}, input);
  };
  const remove = html("button", { type: "button", class: "quiet", "aria-label": text("aria.remove", { n: index + 1 }) }, "×");
  remove.disabled = units() - (pole.pair ? 2 : 1) < 2;
  remove.addEventListener("click", () => {
    state.poles.splice(index, 1);
    shownPoles = "";
    changed();
  });
  return html("tr", {}, html("th", { scope: "row" }, ...math(`λ_${index + 1}`)), field("re"),
    pole.pair ? field("im") : html("td", { class: "none" }, "0"),
    html("td", { class: "magnitude", id: `magnitude-${index}` }), html("td", {}, remove));
}

function start() {
  const words = Object.fromEntries(new URLSearchParams(location.search));
  language = words.lang === "zh" ? "zh" : "en";
  lessonList.current = Math.min(lessons.length, Math.max(1, Number(words.lesson) || 1));
  take(words.e ? words : { ...lessonList.words, ...words });
  speak(language);
  changed();
}
start();
