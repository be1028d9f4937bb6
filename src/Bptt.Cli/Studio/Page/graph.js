// A few steps of the unrolled graph from near: dependencies as thin arrows forward, gradients as thick arrows back. Each
// backward arrow is a button that shows its formula.

class Graph {
  /** onArrow({ arrow, t }) is told which formula to show. */
  constructor(holder, onArrow) {
    this.holder = holder;
    this.picture = svg("svg", { class: "graph", role: "group", "data-label": "aria.graph" });
    holder.append(this.picture);
    this.onArrow = onArrow;
    onWidth(holder, width => {
      this.width = width;
      this.onResize?.();
    });
  }

  /** How many steps there is room for. */
  get room() {
    return Math.max(3, Math.min(9, Math.floor((this.width ?? 900) / 104)));
  }

  /** The steps around one. */
  windowAt(step, steps) {
    const count = Math.min(steps + 1, this.room);
    const first = Math.max(0, Math.min(steps + 1 - count, step - Math.floor(count / 2)));
    return [first, first + count - 1];
  }

  show(numbers, chosen, window, isLog) {
    if (!this.width) return;
    const [first, last] = window;
    const column = this.width / (last - first + 1);
    const x = t => (t - first + 0.5) * column;
    const rows = { loss: 26, output: 88, state: 172, input: 258, weight: 318 };
    const height = 340;
    const { Steps: steps, StateGradients: full, Truncation: cut, OutputGradients: losses, WhhShares: shares } = numbers;
    const flow = cut ? cut.StateGradients : full;
    const largest = Math.max(...full.map(number).filter(Number.isFinite));
    const largestLoss = Math.max(...losses.map(number).filter(Number.isFinite));
    const parts = [this.bar(rows.weight)];
    const buttons = [];
    for (let t = first; t <= last; t++) {
      if (t < last) parts.push(this.forward(x(t) + 22, rows.state - 11, x(t + 1) - 22, rows.state - 11));
      else if (t < steps) parts.push(this.forward(x(t) + 22, rows.state - 11, this.width, rows.state - 11, true));
      if (t === first && t > 0) parts.push(this.forward(0, rows.state - 11, x(t) - 22, rows.state - 11));
      if (t > 0) {
        parts.push(
          this.forward(x(t), rows.input - 17, x(t), rows.state + 19),
          this.forward(x(t) - 9, rows.state - 18, x(t) - 9, rows.output + 17),
          this.forward(x(t), rows.output - 17, x(t), rows.loss + 15));
        const hasLoss = number(losses[t - 1]) > 0;
        if (hasLoss) {
          buttons.push(this.arrow(
            { arrow: "state", t }, "output", [x(t) + 8, rows.output + 18, x(t) + 8, rows.state - 19],
            number(losses[t - 1]) / largestLoss, null, `∂L/∂o_${t}`, losses[t - 1], chosen));
        }
        buttons.push(this.arrow(
          { arrow: "weight", t }, "share", [x(t) + 24, rows.state + 18, x(t) + 24, rows.weight - 12],
          Math.min(1, Math.abs(number(shares[t - 1]))), null, text("share", { t }), shares[t - 1], chosen));
        const from = t;
        const start = x(from) - 24;
        const end = t > first ? x(t - 1) + 24 : 4;
        buttons.push(this.arrow(
          { arrow: "state", t: t - 1 }, "state", [start, rows.state + 10, end, rows.state + 10],
          thickness(flow[t], largest, isLog), cut ? thickness(full[t], largest, isLog) : null,
          `∂L/∂h_${t}`, flow[t], chosen));
      }
      parts.push(...this.nodes(t, x(t), rows, t > 0 && number(losses[t - 1]) > 0));
    }
    if (last < steps) {
      const t = last + 1;
      buttons.push(this.arrow(
        { arrow: "state", t: last }, "state", [this.width - 2, rows.state + 10, x(last) + 24, rows.state + 10],
        thickness(flow[t], largest, isLog), cut ? thickness(full[t], largest, isLog) : null,
        `∂L/∂h_${t}`, flow[t], chosen));
    }
    const focused = this.picture.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    this.picture.setAttribute("viewBox", `0 0 ${this.width} ${height}`);
    this.picture.setAttribute("height", height);
    this.picture.replaceChildren(...parts, ...buttons);
    (buttons.find(b => b.classList.contains("chosen")) ?? buttons.at(-1))?.setAttribute("tabindex", 0);
    if (focused) this.picture.querySelector(`[data-key="${focused}"]`)?.focus({ preventScroll: true });
  }

  bar(y) {
    const group = svg("g", { "aria-hidden": "true" });
    group.append(
      svg("rect", { class: "parameter", x: 4, y: y - 12, width: this.width - 8, height: 26, rx: 4 }),
      label({ class: "node", x: 14, y: y + 6 }, "W_hh"));
    return group;
  }

  forward(x1, y1, x2, y2, isOpen = false) {
    const angle = Math.atan2(y2 - y1, x2 - x1);
    const tip = (turn, length = 6) =>
      `L${x2} ${y2}l${-length * Math.cos(angle + turn)} ${-length * Math.sin(angle + turn)}`;
    return svg("path", {
      class: "forward", "aria-hidden": "true",
      d: `M${x1} ${y1}L${x2} ${y2}${isOpen ? "" : `${tip(0.45)}M${x2} ${y2}${tip(-0.45)}`}`,
    });
  }

  nodes(t, x, rows, hasLoss) {
    const box = (y, kind, name) => {
      const group = svg("g", { class: `box ${kind}`, "aria-hidden": "true" });
      group.append(
        svg("rect", { x: x - 21, y: y - 17, width: 42, height: 34, rx: 5 }),
        label({ class: "node", x, y: y + 5, "text-anchor": "middle" }, name));
      return group;
    };
    const boxes = [box(rows.state, "variable stored", `h_${t}`)];
    if (t > 0) {
      boxes.push(box(rows.input, "variable stored", `x_${t}`), box(rows.output, "variable", `o_${t}`));
      const loss = svg("g", { class: `box loss${hasLoss ? "" : " none"}`, "aria-hidden": "true" });
      loss.append(
        svg("circle", { cx: x, cy: rows.loss, r: 15 }),
        label({ class: "node", x, y: rows.loss + 5, "text-anchor": "middle" }, `ℓ_${t}`));
      boxes.push(loss);
    }
    return boxes;
  }

  /** A backward arrow: a button as thick as a part of the full thickness; ghost is what it would be untruncated. */
  arrow(target, kind, [x1, y1, x2, y2], part, ghost, name, value, chosen) {
    const isLevel = y1 === y2;
    const most = kind === "state" ? 24 : 13;
    const isChosen = chosen.arrow === target.arrow && chosen.t === target.t
      && (kind !== "output" || target.t === this.lastOf(chosen));
    const shown = short(value);
    const group = svg("g", {
      class: `arrow ${kind}${isChosen ? " chosen" : ""}`, role: "button", tabindex: -1,
      "data-arrow": target.arrow, "data-t": target.t, "data-key": `${kind}-${name}`, "aria-pressed": isChosen,
      "aria-label": plain(`${name}: ${shown}. ${text("aria.formula")}`),
    });
    const length = Math.abs(x2 - x1) + Math.abs(y2 - y1);
    group.append(svg("path", {
      class: "hit", d: isLevel
        ? `M${Math.min(x1, x2)} ${y1 - 4}h${length}v34h${-length}z` : `M${x1 - 9} ${y1}h22v${length}h-22z`,
    }));
    if (ghost !== null) group.append(svg("path", { class: "ghost", d: this.shaft(x1, y1, x2, y2, ghost * most) }));
    group.append(svg("path", {
      class: part > 0 ? "shaft" : "shaft nothing", d: this.shaft(x1, y1, x2, y2, part * most),
    }));
    if (isLevel && length > 46) {
      group.append(svg("text", {
        class: "amount", x: (x1 + x2) / 2, y: y1 + 12 + Math.max(most * part, most * (ghost ?? 0)) / 2,
        "text-anchor": "middle",
      }, shown));
    }
    const choose = event => {
      event.preventDefault();
      this.onArrow(target);
    };
    group.addEventListener("click", choose);
    group.addEventListener("keydown", event => {
      if (event.key === "Enter" || event.key === " ") choose(event);
      const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (by) {
        event.preventDefault();
        this.focusBeside(group, by);
      }
    });
    return group;
  }

  /** The arrow keys move from arrow to arrow, so that all of them are one stop of the tab key. */
  focusBeside(group, by) {
    const all = [...this.picture.querySelectorAll(".arrow")];
    const next = all[(all.indexOf(group) + by + all.length) % all.length];
    for (const arrow of all) arrow.setAttribute("tabindex", arrow === next ? 0 : -1);
    next.focus({ preventScroll: true });
  }

  lastOf(chosen) {
    return chosen.isLast ? chosen.t : -1;
  }

  /** An arrow as one outline, never thinner than a hairline. */
  shaft(x1, y1, x2, y2, thick) {
    const half = Math.max(0.35, thick / 2);
    const head = Math.max(5, half + 3);
    const long = Math.min(11, Math.abs(x2 - x1) + Math.abs(y2 - y1));
    if (y1 === y2) {
      const neck = x2 + long * Math.sign(x1 - x2);
      return `M${x1} ${y1 - half}H${neck}v${half - head}L${x2} ${y2}L${neck} ${y2 + head}v${half - head}H${x1}Z`;
    }
    const neck = y2 + long * Math.sign(y1 - y2);
    return `M${x1 - half} ${y1}V${neck}h${half - head}L${x2} ${y2}L${x2 + head} ${neck}h${half - head}V${y1}Z`;
  }
}
