// The page of a watched fit: draws what flows from the command, and sends it the two buttons.

const at = id => document.getElementById(id);
const plane = new Plane(at("plane"));
const losses = new Chart(at("losses"));
const norms = new Chart(at("norms"), 190);
const seen = { start: null, points: [], validations: [], events: [], poles: [], picture: null, traces: [] };
let hasEnded = false;

const source = new EventSource("flow");
const on = (kind, act) => source.addEventListener(kind, event => act(event.data ? JSON.parse(event.data) : null));
on("start", start => {
  Object.assign(seen, { start, points: start.Points, validations: start.Validations, events: start.Events });
  begin();
});
on("point", point => {
  seen.points.push(point);
  soon();
});
on("event", event => {
  seen.events.push(event);
  soon();
});
on("work", part => {
  seen.start.Work = part;
  soon();
});
on("picture", picture => {
  seen.picture = picture;
  if (picture.Validation) seen.validations.push(picture.Validation);
  if (picture.Poles.length) seen.poles.push(picture.Poles);
  if (seen.points.length > 4000) seen.points = seen.points.filter((_, i) => i % 2 === 0);
  if (seen.validations.length > 4000) seen.validations = seen.validations.filter((_, i) => i % 2 === 0);
  if (seen.poles.length > 400) seen.poles = seen.poles.filter((_, i) => i % 2 === 0 || i > 380);
  soon();
});
on("done", done => {
  Object.assign(seen.start, done);
  soon();
});
on("end", () => {
  hasEnded = true;
  source.close();
  soon();
});
source.addEventListener("error", () => {
  if (source.readyState === EventSource.CLOSED || seen.start?.Outcome) {
    hasEnded = true;
    source.close();
  }
  at("fault").textContent = hasEnded && !seen.start?.Outcome ? text("gone") : "";
  soon();
});

/** All that has come since the last frame is drawn once. */
let isDue = false;
function soon() {
  if (isDue || !seen.start) return;
  isDue = true;
  requestAnimationFrame(() => {
    isDue = false;
    draw();
  });
}

function begin() {
  const { start } = seen;
  at("data").textContent = `${start.Data} · ${start.Parts}`;
  document.title = `bptt fit: ${start.Data}`;
  at("traces-title").textContent = text(start.IsHeldOut ? "traces.heldout" : "traces.training");
  at("traces").replaceChildren();
  seen.traces = start.Targets.map(target => {
    const holder = html("div");
    at("traces").append(holder);
    return new Traces(holder, target, { measured: text("measured"), predicted: text("predicted") });
  });
  draw();
}

function draw() {
  const { start, points, picture } = seen;
  const last = points.at(-1);
  const isOver = start.Outcome !== null;
  document.body.dataset.verdict = isOver ? "stable" : "";
  at("word").textContent = text(isOver ? "over" : start.Trains ? "training" : "comparing");
  at("amount").textContent = isOver ? start.HeldOut
    : start.Trains && last ? `${text("at", { n: last.Epoch }).replace(/[:：]$/, "")}`
    : start.Work !== null ? `${Math.round(100 * start.Work)} %` : "";
  at("summary").textContent = isOver ? `${start.Outcome} ${text("over.more")}` : start.Words;
  at("progress").hidden = isOver || start.Trains;
  at("progress").value = start.Work ?? 0;
  at("loss").textContent = last ? short(last.Loss, 4) : "–";
  at("norm").textContent = last ? short(last.Norm) : "–";
  at("heldout").textContent = picture?.HeldOut != null ? `${picture.HeldOut.toFixed(2)} %` : "–";
  at("time").textContent = last ? `${last.Seconds.toFixed(1)} s` : "–";
  at("stop").disabled = isOver || hasEnded;
  at("checkpoint").hidden = !start.CanSave;
  at("checkpoint").disabled = isOver || hasEnded;
  curves();
  poles();
  if (picture) seen.traces.forEach((trace, i) => trace.show(picture.Outputs[i]));
  events();
}

function curves() {
  const xs = seen.points.map(p => p.Epoch);
  const byEpoch = value => seen.points.map(value);
  const series = [{ name: text("loss"), kind: "subject", xs, values: byEpoch(p => p.Loss) }];
  const { validations } = seen;
  if (validations.length) {
    series.push({
      name: text("validation"), kind: "cold", xs: validations.map(v => v.Epoch), values: validations.map(v => v.Loss),
    });
  }
  const best = seen.events.filter(e => e.Kind === "best").at(-1);
  losses.show({
    title: text("losses.title"), x: text("epochs"), unit: "epoch", series,
    marks: best ? [{ x: best.Epoch, name: text("best.mark", { n: best.Epoch }) }] : [],
  });
  norms.show({
    title: text("norms.title"), x: text("epochs"), unit: "epoch",
    series: [{ name: text("norm"), kind: "note", xs, values: byEpoch(p => p.Norm) }],
  });
}

function poles() {
  if (!seen.poles.length) return;
  plane.showTrails({ clipped: seen.poles });
  at("poles-words").textContent = text("poles.words", {
    n: seen.poles.at(-1).length, radius: short(seen.poles.at(-1)[0].Magnitude, 4),
  });
}

function events() {
  const told = seen.events.filter((e, i) => e.Kind !== "best" || seen.events[i + 1]?.Kind !== "best");
  at("events").replaceChildren(...told.slice(-12).reverse().map(e => html("li", {},
    html("span", { class: "when" }, e.Epoch === null ? "" : text("at", { n: e.Epoch })),
    ` ${text(`event.${e.Kind}`, { value: short(e.Value) })}`)));
}

for (const id of ["stop", "checkpoint"]) {
  at(id).addEventListener("click", async () => {
    at(id).disabled = true;
    const answer = await fetch(id, { method: "POST" }).catch(() => null);
    if (!answer?.ok) at("fault").textContent = text("gone");
    else if (id === "checkpoint") setTimeout(() => { at(id).disabled = false; }, 800);
  });
}
for (const button of document.querySelectorAll("[data-language]")) {
  button.addEventListener("click", () => speak(button.dataset.language));
}

function speak(which) {
  language = which;
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", button.dataset.language === language);
  }
  translate();
  if (seen.start) begin();
}
speak(navigator.language.startsWith("zh") ? "zh" : "en");
