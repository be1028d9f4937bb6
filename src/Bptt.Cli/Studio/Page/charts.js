// Curves on a logarithmic axis, with a reader's line that the pointer and the arrow keys move. Draws what it is given.

class Chart {
  /** The holder gets the curve, a legend above it and the values at the reader's line below. */
  constructor(holder, height = 230) {
    this.holder = holder;
    this.height = height;
    this.picture = svg("svg", { class: "chart", tabindex: 0, role: "img" });
    this.legend = html("div", { class: "legend" });
    this.values = html("output", { class: "values" });
    holder.append(this.legend, this.picture, this.values);
    this.reader = null;
    this.picture.addEventListener("pointermove", e => this.point(e));
    this.picture.addEventListener("pointerdown", e => this.point(e));
    this.picture.addEventListener("pointerleave", () => this.read(null));
    this.picture.addEventListener("blur", () => this.read(null));
    this.picture.addEventListener("keydown", e => this.key(e));
    onWidth(holder, width => {
      this.width = width;
      if (this.data) this.draw();
    });
  }

  /** data: { title, x, y, first, series: [{ name, kind, values, xs, bars }], marks: [{ x, name, kind }], lines, unit } */
  show(data) {
    this.data = data;
    if (this.width) this.draw();
  }

  draw() {
    const { series, marks = [], lines = [], first = 0 } = this.data;
    const room = { left: 46, right: 16, top: 8, bottom: 34 };
    const width = this.width;
    const height = this.height;
    const count = Math.max(2, ...series.map(s => s.xs ? (s.xs.at(-1) ?? first) - first + 1 : s.values.length));
    const last = this.data.last ?? first + count - 1;
    const all = series.flatMap(s => s.values.map(number));
    const scale = decades([...all, ...lines.map(l => l.y)], 6, this.data.reach);
    const side = series.some(s => s.bars) ? 0.6 : 0; // half a bar
    this.atX = x => room.left
      + (x - first + side) / (Math.max(1, last - first) + 2 * side) * (width - room.left - room.right);
    this.atY = v => height - room.bottom - Math.max(0, scale.at(v)) * (height - room.top - room.bottom);
    this.range = [first, last];
    let out = "";
    for (const d of scale.ticks) {
      const y = this.atY(10 ** d);
      out += `<path class="grid" d="M${room.left} ${y}H${width - room.right}"/>`
        + `<text class="tick" x="${room.left - 7}" y="${y + 4}" text-anchor="end">${d >= -2 && d <= 2 ? 10 ** d : power(d)}</text>`;
    }
    for (const x of counts(first, last, width < 420 ? 5 : 8)) {
      out += `<text class="tick" x="${this.atX(x)}" y="${height - room.bottom + 16}" text-anchor="middle">${x}</text>`;
    }
    out += `<text class="tick" x="${width - room.right}" y="${height - 3}" text-anchor="end">${this.data.x}</text>`;
    for (const line of lines) {
      const y = this.atY(line.y);
      out += `<path class="rule ${line.kind ?? ""}" d="M${room.left} ${y}H${width - room.right}"/>`;
    }
    for (const s of series) out += s.bars ? this.bars(s, first, height - room.bottom) : this.curve(s, first);
    for (const mark of marks) {
      const x = this.atX(mark.x);
      out += `<path class="mark ${mark.kind ?? ""}" d="M${x} ${room.top}V${height - room.bottom}"/>`;
    }
    this.picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.picture.setAttribute("height", height);
    this.picture.innerHTML = out + "<path class='reader'/>";
    this.picture.setAttribute("aria-label", this.data.title);
    const legend = series.map(s => `${s.kind}|${s.name}`).join() + marks.map(m => m.name).join();
    if (legend !== this.legendShown) {
      this.legendShown = legend;
      this.legend.replaceChildren(
        ...series.map(s => html("span", { class: `key ${s.kind}${s.bars ? " bars" : ""}` }, ...math(s.name))),
        ...marks.filter(m => m.name).map(m => html("span", { class: `key mark ${m.kind ?? ""}` }, ...math(m.name))));
    }
    this.read(this.reader);
  }

  curve(s, first) {
    let path = "";
    let isDrawn = false;
    s.values.forEach((v, i) => {
      const y = number(v);
      if (y > 0 && Number.isFinite(y)) {
        const x = this.atX(s.xs ? s.xs[i] : first + i);
        path += `${isDrawn ? "L" : "M"}${x.toFixed(1)} ${this.atY(y).toFixed(1)}`;
        isDrawn = true;
      } else {
        isDrawn = false;
      }
    });
    return `<path class="curve ${s.kind}" d="${path}"/>`;
  }

  bars(s, first, bottom) {
    const step = this.atX(first + 1) - this.atX(first);
    let path = "";
    s.values.forEach((v, i) => {
      const y = number(v);
      if (y > 0 && Number.isFinite(y)) path += `M${this.atX(first + i).toFixed(1)} ${bottom}V${this.atY(y).toFixed(1)}`;
    });
    return `<path class="bars ${s.kind}" stroke-width="${Math.max(1, Math.min(14, step * 0.6)).toFixed(1)}" d="${path}"/>`;
  }

  point(event) {
    if (!this.data) return;
    const box = this.picture.getBoundingClientRect();
    const [first, last] = this.range;
    const part = ((event.clientX - box.left) / box.width * this.width - this.atX(first))
      / (this.atX(last) - this.atX(first));
    this.read(Math.round(first + part * (last - first)));
  }

  key(event) {
    if (!this.data) return;
    const [first, last] = this.range;
    const from = this.reader ?? first;
    const by = { ArrowRight: 1, ArrowLeft: -1, PageUp: -10, PageDown: 10, Home: first - from, End: last - from }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    this.read(this.reader === null ? first : from + by);
  }

  /** Shows the values at one place; null for none. */
  read(place) {
    const line = this.picture.querySelector(".reader");
    if (place === null || !this.data || !line) {
      this.reader = null;
      line?.setAttribute("d", "");
      this.values.textContent = "";
      return;
    }
    const [first, last] = this.range;
    this.reader = Math.min(last, Math.max(first, place));
    const x = this.atX(this.reader);
    line.setAttribute("d", `M${x} 8V${this.height - 34}`);
    const value = s => s.xs
      ? s.values[Math.max(0, s.xs.findLastIndex(at => at <= this.reader))] : s.values[this.reader - first];
    const parts = this.data.series
      .filter(s => value(s) !== undefined)
      .map(s => `${s.name} ${short(value(s))}`);
    this.values.replaceChildren(...math(`${this.data.unit ?? "k"} = ${this.reader}: ${parts.join("; ")}`));
  }
}
