// The training with and without clipping, as it flows from the server: losses on a chart, poles in the plane.

class Training {
  constructor(plane, query) {
    this.plane = plane;
    this.query = query;
    this.chart = new Chart(document.getElementById("losses"), 210);
    this.status = document.getElementById("training-status");
    this.button = document.getElementById("train");
    this.again = document.getElementById("train-reset");
    this.button.addEventListener("click", () => this.source ? this.stop() : this.run());
    this.again.addEventListener("click", () => this.reset());
    this.reset();
  }

  reset() {
    this.stop();
    this.moments = [];
    this.plane.showTrails({});
    this.draw();
  }

  stop() {
    this.source?.close();
    this.source = null;
    this.name();
  }

  name() {
    this.button.textContent = text(this.source ? "train.stop" : this.moments?.length ? "train.more" : "train");
    this.again.disabled = !this.moments?.length;
  }

  /** Fifty updates more. */
  run() {
    const from = this.moments.length;
    const to = Math.min(1000, Math.max(0, from - 1) + 50);
    if (from > to) return;
    const words = new URLSearchParams({ ...this.query(), from, to, pace: isStill() ? "off" : "on" });
    this.source = new EventSource(`train?${words}`);
    const take = event => {
      this.moments.push(JSON.parse(event.data));
      this.draw();
    };
    this.source.addEventListener("moment", take);
    this.source.addEventListener("last", event => {
      this.stop();
      take(event);
    });
    this.source.addEventListener("error", () => {
      this.stop();
      this.status.textContent = text("train.failed");
    });
    this.name();
  }

  draw() {
    document.getElementById("losses").hidden = !this.moments.length;
    const ways = kind => this.moments.map(m => m[kind]);
    const losses = kind => ways(kind).map(m => m.HasDiverged ? null : m.Loss);
    this.chart.show({
      title: text("loss.title"), x: text("updates"), unit: "n", last: Math.max(50, this.moments.length - 1),
      series: [
        { name: text("train.plain"), kind: "hot", values: losses("Plain") },
        { name: text("train.clipped"), kind: "cold", values: losses("Clipped") },
      ],
    });
    if (this.moments.length) {
      this.plane.showTrails({
        plain: ways("Plain").filter(m => !m.HasDiverged).map(m => m.Poles),
        clipped: ways("Clipped").filter(m => !m.HasDiverged).map(m => m.Poles),
      });
    }
    this.status.replaceChildren(...this.moments.length ? this.words() : [text("train.hint")]);
    this.name();
  }

  words() {
    const now = this.moments.at(-1);
    return ["Plain", "Clipped"].map(kind => {
      const at = this.moments.findIndex(m => m[kind].HasDiverged);
      const name = text(kind === "Plain" ? "train.plain" : "train.clipped");
      const told = at >= 0
        ? text("train.diverged", { n: at })
        : text("train.loss", { n: now.Update, loss: short(now[kind].Loss), norm: short(now[kind].GradientNorm) });
      return html("p", { class: kind === "Plain" ? "hot" : "cold" }, html("b", {}, name), ` ${told}`);
    });
  }
}
