// Measured and predicted values against the rows of the table, on a linear axis: the measured ones as dots, so that a good
// prediction does not hide them.

class Traces {
  constructor(holder, target, names) {
    this.target = target;
    this.names = names;
    this.height = 240;
    this.picture = svg("svg", { class: "chart", role: "img", "aria-label": target.Name });
    const legend = html("div", { class: "legend" },
      html("span", { class: "key dots" }, names.measured), html("span", { class: "key subject" }, names.predicted));
    holder.append(html("h3", {}, target.Name), legend, this.picture);
    this.predicted = [];
    onWidth(holder, width => {
      this.width = width;
      this.draw();
    });
  }

  show(predicted) {
    this.predicted = predicted;
    this.draw();
  }

  draw() {
    if (!this.width) return;
    const room = { left: 52, right: 18, top: 8, bottom: 26 };
    const measured = this.target.Measured.map(([row, v]) => [row, number(v)]);
    const known = measured.map(m => m[1]).filter(Number.isFinite);
    const rows = measured.map(m => m[0]);
    const [first, last] = [Math.min(...rows), Math.max(...rows)];
    const [least, most] = [Math.min(...known), Math.max(...known)];
    const margin = (most - least || 1) * 0.15;
    const [low, high] = [least - margin, most + margin];
    const atX = row => room.left + (row - first) / Math.max(1, last - first) * (this.width - room.left - room.right);
    const atY = v => this.height - room.bottom
      - (Math.min(high, Math.max(low, v)) - low) / (high - low) * (this.height - room.top - room.bottom);
    let out = "";
    for (const v of rounds(low, high)) {
      out += `<path class="grid" d="M${room.left} ${atY(v)}H${this.width - room.right}"/>`
        + `<text class="tick" x="${room.left - 7}" y="${atY(v) + 4}" text-anchor="end">${short(v)}</text>`;
    }
    for (const row of counts(first, last, this.width < 500 ? 4 : 9)) {
      out += `<text class="tick" x="${atX(row)}" y="${this.height - 6}" text-anchor="middle">${row}</text>`;
    }
    out += `<path class="dots" d="${measured.filter(m => Number.isFinite(m[1]))
      .map(([row, v]) => `M${atX(row).toFixed(1)} ${atY(v).toFixed(1)}h0`).join("")}"/>`;
    let isDrawn = false;
    let path = "";
    for (const [row, value] of this.predicted) {
      const v = number(value);
      path += Number.isFinite(v) ? `${isDrawn ? "L" : "M"}${atX(row).toFixed(1)} ${atY(v).toFixed(1)}` : "";
      isDrawn = Number.isFinite(v);
    }
    out += `<path class="curve" d="${path}"/>`;
    this.picture.setAttribute("viewBox", `0 0 ${this.width} ${this.height}`);
    this.picture.setAttribute("height", this.height);
    this.picture.innerHTML = out;
  }
}

/** A few round numbers between two. */
function rounds(low, high) {
  const rough = (high - low) / 5;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(f => f * unit).find(s => s >= rough);
  const values = [];
  for (let i = Math.ceil(low / step); i * step <= high; i++) values.push(Number((i * step).toPrecision(12)));
  return values;
}
