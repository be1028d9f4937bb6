// The whole way back at a glance: a ribbon over the steps, at each as thick as the gradient ‖∂L/∂h_t‖ there. Its reader is
// the step that the graph below shows from near.

const logDecades = 8; // from the thickest to a hairline on the logarithmic scale

/** The part of the full thickness that a gradient has. */
function thickness(value, largest, isLog) {
  const part = number(value) / largest;
  if (!(part > 0)) return 0;
  if (!Number.isFinite(part)) return 1;
  return isLog ? Math.max(0, 1 + Math.log10(part) / logDecades) : part;
}

class Ribbon {
  constructor(holder, onStep) {
    this.height = 112;
    this.picture = svg("svg", { class: "ribbon", tabindex: 0, role: "slider", "data-label": "aria.step" });
    holder.append(this.picture);
    this.onStep = onStep;
    const pick = event => {
      const box = this.picture.getBoundingClientRect();
      const x = (event.clientX - box.left) / box.width * this.width;
      this.onStep(this.within(Math.round((x - this.left) / (this.right - this.left) * this.steps)));
    };
    this.picture.addEventListener("pointerdown", event => {
      this.picture.setPointerCapture(event.pointerId);
      pick(event);
    });
    this.picture.addEventListener("pointermove", event => event.buttons && pick(event));
    this.picture.addEventListener("keydown", event => {
      const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10,
        Home: -this.steps, End: this.steps }[event.key];
      if (by === undefined) return;
      event.preventDefault();
      this.onStep(this.within(this.step + by));
    });
    onWidth(holder, width => {
      this.width = width;
      this.draw();
    });
  }

  within(step) {
    return Math.min(this.steps, Math.max(0, step));
  }

  show(numbers, step, window, isLog) {
    Object.assign(this, { numbers, step, window, isLog, steps: numbers.Steps });
    this.draw();
  }

  draw() {
    if (!this.numbers || !this.width) return;
    const { StateGradients: full, Truncation: cut, OutputGradients: losses } = this.numbers;
    const middle = 50;
    const reach = 34;
    this.left = 26;
    this.right = this.width - 14;
    const at = t => this.left + t / this.steps * (this.right - this.left);
    const largest = Math.max(...full.map(number).filter(Number.isFinite));
    const shape = values => {
      const half = values.map(v => thickness(v, largest, this.isLog) * reach);
      const up = half.map((h, t) => `${at(t).toFixed(1)} ${(middle - h).toFixed(2)}`);
      const down = half.map((h, t) => `${at(t).toFixed(1)} ${(middle + h).toFixed(2)}`).reverse();
      return `M${up.join("L")}L${down.join("L")}Z`;
    };
    let out = `<rect class="window" x="${at(this.window[0]) - 4}" y="4" rx="4" `
      + `width="${at(this.window[1]) - at(this.window[0]) + 8}" height="92"/>`
      + `<path class="spine" d="M${this.left} ${middle}H${this.right}"/>`;
    if (cut) out += `<path class="ghost" d="${shape(full)}"/>`;
    out += `<path class="flow" d="${shape(cut ? cut.StateGradients : full)}"/>`;
    out += `<path class="head" d="M${this.left - 12} ${middle}l9 -6v12z"/>`;
    const largestLoss = Math.max(...losses.map(number).filter(Number.isFinite));
    losses.forEach((v, i) => {
      if (number(v) > 0) {
        const y = 3 + 7 * (1 - Math.min(1, number(v) / largestLoss));
        out += `<path class="loss" d="M${at(i + 1).toFixed(1)} ${y.toFixed(1)}V11"/>`;
      }
    });
    for (const t of counts(0, this.steps, this.width < 420 ? 5 : 10)) {
      out += `<text class="tick" x="${at(t)}" y="${this.height - 1}" text-anchor="middle">${t}</text>`;
    }
    out += `<path class="reader" d="M${at(this.step)} 4V96"/>`;
    this.picture.setAttribute("viewBox", `0 0 ${this.width} ${this.height}`);
    this.picture.setAttribute("height", this.height);
    this.picture.innerHTML = out;
    this.picture.setAttribute("aria-valuemin", 0);
    this.picture.setAttribute("aria-valuemax", this.steps);
    this.picture.setAttribute("aria-valuenow", this.step);
    this.picture.setAttribute(
      "aria-valuetext", plain(`t = ${this.step}: ‖∂L/∂h_${this.step}‖ = ${short(full[this.step])}`));
  }
}
