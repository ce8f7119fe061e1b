// The head that is shown large: its name and what is known of it, its scale, what its cells show.

import { byID, make, signedText } from "../../LensReport/Assets/format.js";
import { drawLegend } from "../../LensReport/Assets/reading.js";
import { scaleOf, withScale } from "./edits.js";

const LEGENDS = {
  attention: "attention weight",
  value: "attention × ‖value‖",
  attribution: "attention × gradient",
};

export class Stage {
  constructor(view, selection) {
    Object.assign(this, { view, selection });
    for (const name of ["measure", "picture", "tint"]) this.#listenToChoice(name);
    byID("across").addEventListener("change", (event) => view.set({ across: event.target.value }));
    byID("change").addEventListener("click", () => view.set({ change: !view.state.change }));
    byID("ablate").addEventListener("click", () => this.toggle(selection.head));
    byID("scale").addEventListener("input", (event) => this.#scale(selection.head, Number(event.target.value)));
    selection.subscribe(() => this.update());
    view.subscribe(() => this.#mark());
    this.#mark();
  }

  #listenToChoice(name) {
    byID(name).addEventListener("click", (event) => {
      const value = event.target.closest("button")?.dataset[name];
      if (value) this.view.set({ [name]: value });
    });
  }

  /** Ablates a head, or brings it back. */
  toggle(index) {
    const head = this.heads?.[index];
    if (head) this.#scale(index, scaleOf(this.view.state.edits, head) === 1 ? 0 : 1);
  }

  #scale(index, factor) {
    const head = this.heads?.[index];
    if (head) this.view.set({ edits: withScale(this.view.state.edits, head, factor) });
  }

  show(heads, effects, cells) {
    Object.assign(this, { heads, effects, cells });
    this.update();
  }

  update() {
    const head = this.heads?.[this.selection.head];
    if (!head) return;
    const { across, edits } = this.view.state;
    const [kind, span] = across.split("-");
    byID("stage").dataset.head = `L${head.layer}H${head.head}`;
    byID("head-name").textContent = kind === "one"
      ? `Layer ${head.layer}, head ${head.head}`
      : `${kind === "mean" ? "Mean" : "Greatest"} of ${span === "layer" ? `layer ${head.layer}` : "all heads"}`;
    byID("head-kept").hidden = !this.selection.isKept;
    const facts = (kind === "one" ? head.kinds ?? [] : []).map(({ name, score }) => {
      const text = `${name} ${score.toFixed(2)}`;
      const fact = make("span", "kind", text);
      fact.title = text;
      return fact;
    });
    const effect = kind === "one" && scaleOf(edits, head) === 1 ? this.effects?.[this.selection.head] : null;
    if (effect) {
      facts.unshift(make("span", effect.delta >= 0 ? "up" : "down", `Δloss ${signedText(effect.delta, effect.error)}`));
    }
    byID("head-facts").replaceChildren(...facts);
    const factor = scaleOf(edits, head);
    byID("head-scale").hidden = byID("ablate").hidden = kind !== "one";
    byID("scale").value = String(factor);
    byID("scale-value").textContent = String(factor);
    byID("ablate").textContent = factor === 1 ? "Ablate" : "Restore";
    byID("ablate").setAttribute("aria-pressed", String(factor !== 1));
    byID("matrix").setAttribute("aria-label",
      `${byID("head-name").textContent}: ${this.cells.positions} by ${this.cells.positions} cells. ` +
        "Arrow keys move over them, Enter locks one, Escape lets go.");
    byID("lines-box").setAttribute("aria-label", `${byID("head-name").textContent} as lines between tokens`);
  }

  #mark() {
    const { state } = this.view;
    for (const name of ["measure", "picture", "tint"]) {
      for (const button of byID(name).children) {
        button.setAttribute("aria-pressed", String(button.dataset[name] === state[name]));
      }
    }
    byID("across").value = state.across;
    const hasEdits = state.edits.length > 0;
    byID("change").disabled = !hasEdits;
    byID("change").setAttribute("aria-pressed", String(hasEdits && state.change));
    byID("tint").querySelector("[data-tint=change]").disabled = !hasEdits;
  }

  /** The legend of what cells show. */
  drawLegend() {
    const { measure, change, edits } = this.view.state;
    const isChange = change && edits.length > 0;
    const of = measure === "attribution" ? ` of ${this.view.state.answer === null ? "the loss" : "the chosen token"}` : "";
    byID("legend-name").textContent = `${isChange ? "change of " : ""}${LEGENDS[measure]}${of}`;
    drawLegend(this.cells.scheme, this.cells.scale ?? 1);
  }
}
