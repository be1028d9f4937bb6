// A formula with the numbers of one step put in, as matrices in brackets.

/** Shows what the server answers to an arrow. */
function showFormula(holder, formula, chosen) {
  const general = html("p", { class: "general" },
    html("span", { class: "number" }, `(${formula.Number})`), " ", ...math(formula.General));
  const line = html("div", { class: "numbers", tabindex: 0, role: "group" });
  line.setAttribute("aria-label", plain(text("aria.numbers", { n: formula.Number, t: chosen.t })));
  for (const part of formula.Parts) {
    if (part.Rows === null) {
      line.append(html("span", { class: "sign" }, part.Symbol));
      continue;
    }
    const grid = html("table", { class: "matrix" });
    for (const row of part.Rows) {
      const cells = row.map(v => html("td", number(v) === 0 ? { class: "zero" } : {}, short(v)));
      grid.append(html("tr", {}, ...cells));
    }
    line.append(html("figure", { class: "part" }, html("figcaption", {}, ...math(part.Symbol)), grid));
  }
  const left = formula.Parts[0].Symbol;
  const norm = html("p", { class: "norm" },
    ...math(formula.Number === 5
      ? text("formula.term", { t: chosen.t, norm: short(formula.Norm) })
      : `‖${left}‖ = ${short(formula.Norm)}`));
  holder.replaceChildren(general, line, norm);
}
