// The complex plane: eigenvalues to be dragged, or moved by the arrow keys, against the unit circle.

const planeReach = 1.72;
const planeSize = 420;
const largestMagnitude = 1.6;

class Plane {
  /** onMove(index, re, im) is told of every move; null where nothing can be moved. */
  constructor(element, onMove = null) {
    this.element = element;
    this.onMove = onMove;
    this.poles = [];
    this.handles = [];
    element.setAttribute("viewBox", `0 0 ${planeSize} ${planeSize}`);
    element.append(this.ground(), this.trails = svg("g"), this.goal = svg("g"), this.layer = svg("g"));
  }

  static at(value) {
    return (value / planeReach + 1) * planeSize / 2;
  }

  ground() {
    const middle = planeSize / 2;
    const group = svg("g", { "aria-hidden": "true" });
    const circle = (radius, kind) => svg("circle", { class: kind, cx: middle, cy: middle, r: radius * middle / planeReach });
    group.append(
      circle(1, "inside"), circle(0.5, "grid"), circle(1.5, "grid"),
      svg("path", { class: "axis", d: `M0 ${middle}H${planeSize}M${middle} 0V${planeSize}` }),
      circle(1, "unit"),
      svg("text", { class: "tick", x: Plane.at(1) + 5, y: middle + 15 }, "1"),
      svg("text", { class: "tick", x: Plane.at(0.5) + 4, y: middle + 15 }, "0.5"),
      svg("text", { class: "tick", x: middle + 6, y: Plane.at(-1) - 6 }, "i"),
      svg("text", { class: "tick", x: planeSize - 4, y: middle - 7, "text-anchor": "end" }, "Re"),
      svg("text", { class: "tick", x: middle + 6, y: 13 }, "Im"));
    return group;
  }

  /** Shows the poles where they are set; those that another has made are shown by showModes. */
  show(poles) {
    this.poles = poles;
    const kinds = poles.map(p => p.pair).join();
    if (kinds !== this.kinds) {
      this.kinds = kinds;
      this.handles = poles.map((pole, i) => this.handle(pole, i));
      this.layer.replaceChildren(...this.handles.flatMap(h => h.mirror ? [h.mirror, h.main] : [h.main]));
    }
    poles.forEach((pole, i) => {
      this.place(pole, this.handles[i], i);
      // Names of poles that lie close stand above each other.
      const below = poles.slice(0, i).filter(p => Math.abs(p.re - pole.re) < 0.16 && Math.abs(p.im - pole.im) < 0.2);
      this.handles[i].main.querySelector(".name").setAttribute("y", -11 - 19 * below.length);
    });
  }

  handle(pole, index) {
    const dot = () => [svg("circle", { class: "hit", r: 22 }), svg("circle", { class: "dot", r: 8.5 })];
    const main = svg("g", {
      class: "pole", tabindex: 0, role: "slider", "data-pole": index,
      "aria-valuemin": 0, "aria-valuemax": largestMagnitude,
    }, ...dot(), label({ class: "name", x: 13, y: -11 }, `λ_${index + 1}`));
    this.listen(main, index, 1);
    main.addEventListener("keydown", event => this.key(event, index));
    if (!pole.pair) return { main };
    const mirror = svg("g", { class: "pole mirror", "aria-hidden": "true" }, ...dot());
    this.listen(mirror, index, -1);
    return { main, mirror };
  }

  place(pole, { main, mirror }, index) {
    const x = Plane.at(pole.re);
    main.setAttribute("transform", `translate(${x} ${Plane.at(-pole.im)})`);
    mirror?.setAttribute("transform", `translate(${x} ${Plane.at(pole.im)})`);
    main.setAttribute("aria-valuetext", complex(pole.re, pole.im, pole.pair));
    main.setAttribute("aria-label", text(pole.pair ? "aria.pair" : "aria.real", { n: index + 1 }));
    const { magnitude } = pole;
    if (magnitude === undefined) return; // until the library has said it
    main.setAttribute("aria-valuenow", magnitude.toFixed(3));
    const side = magnitude > 1.0005 ? "outside" : magnitude < 0.9995 ? "inside" : "border";
    for (const group of [main, mirror]) {
      if (group) group.dataset.side = side;
    }
  }

  listen(group, index, sign) {
    group.addEventListener("pointerdown", event => {
      event.preventDefault();
      group.setPointerCapture(event.pointerId);
      this.handles[index].main.focus({ preventScroll: true });
      const box = this.element.getBoundingClientRect();
      const move = e => {
        const re = ((e.clientX - box.left) / box.width * 2 - 1) * planeReach;
        const im = -((e.clientY - box.top) / box.height * 2 - 1) * planeReach * sign;
        this.move(index, re, im);
      };
      const end = () => {
        group.removeEventListener("pointermove", move);
        group.removeEventListener("pointerup", end);
        group.removeEventListener("pointercancel", end);
      };
      group.addEventListener("pointermove", move);
      group.addEventListener("pointerup", end);
      group.addEventListener("pointercancel", end);
    });
  }

  key(event, index) {
    const step = event.shiftKey ? 0.1 : 0.01;
    const by = { ArrowRight: [step, 0], ArrowLeft: [-step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] }[event.key];
    if (!by) return;
    event.preventDefault();
    const pole = this.poles[index];
    this.move(index, pole.re + (pole.pair || by[0] ? by[0] : by[1]), pole.im + by[1]);
  }

  /** Where a pole may go: a real one stays on the axis, a pair on its own sides of it, all within reach. */
  move(index, re, im) {
    const pole = this.poles[index];
    im = pole.pair ? Math.max(0, im) : 0;
    const size = Math.hypot(re, im);
    const by = size > largestMagnitude ? largestMagnitude / size : 1;
    const round = v => Math.trunc(v * by * 1000 + Math.sign(v) * (by < 1 ? 0 : 0.5)) / 1000;
    this.onMove(index, round(re), round(im));
  }

  /** The ways of two trainings: a list of moments each, of which every one is a list of eigenvalues. */
  showTrails(ways) {
    const marks = [];
    for (const [kind, moments] of Object.entries(ways)) {
      moments.forEach((poles, i) => {
        const isLast = i === moments.length - 1;
        for (const pole of poles) {
          const by = pole.Magnitude > planeReach ? planeReach / pole.Magnitude : 1; // those beyond lie on the frame
          marks.push(svg("circle", {
            class: `trail ${kind}${isLast ? " last" : ""}`,
            cx: Plane.at(pole.Re * by), cy: Plane.at(-pole.Im * by), r: isLast ? 5.5 : 1.7,
          }));
        }
      });
    }
    this.trails.replaceChildren(...marks);
  }

  /** Crosses on the poles that are to be found. */
  showGoal(poles) {
    this.goal.replaceChildren(...poles.map(p => svg("path", {
      class: "goal", d: `M${Plane.at(p.Re) - 6} ${Plane.at(-p.Im) - 6}l12 12m0 -12l-12 12`,
    })));
  }
}
