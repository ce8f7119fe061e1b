// The bars: what ablating each head does to the loss.

import { byID, makeSVG, signedText } from "./format.js";
import { describe } from "./heads.js";

const HEIGHT = 132;
const EDGE = { left: 44, right: 4, top: 8, bottom: 18 };

export class EffectsView {
  constructor(heads, ablation, selection) {
    this.heads = heads;
    this.section = byID("effects");
    this.svg = byID("bars");
    this.order = "head";
    this.isManyLayered = heads.some((head) => head.layer !== heads[0].layer);
    this.known = heads.map((_, index) => index).filter((index) => Number.isFinite(heads[index].delta));
    this.section.hidden = ablation === null || this.known.length === 0;
    if (this.section.hidden) return;
    this.svg.setAttribute("aria-label", summary(heads, this.known, ablation));
    this.#listen(selection);
    selection.subscribe(() => this.update(selection));
  }

  #listen(selection) {
    const indexOf = (event) => Number(event.target.closest("[data-index]")?.dataset.index ?? -1);
    this.svg.addEventListener("pointerover", (event) => {
      const index = indexOf(event);
      if (index >= 0 && event.pointerType !== "touch") selection.pointAtHead(index);
    });
    this.svg.addEventListener("click", (event) => {
      const index = indexOf(event);
      if (index >= 0) selection.keepHead(index);
    });
    byID("order").addEventListener("click", (event) => {
      const order = event.target.dataset.order;
      if (!order) return;
      this.order = order;
      for (const button of byID("order").children) {
        button.setAttribute("aria-pressed", String(button.dataset.order === order));
      }
      this.#place();
    });
  }

  layout() {
    if (this.section.hidden) return;
    this.width = this.section.clientWidth;
    const errors = this.known.map((index) => this.heads[index].error ?? 0);
    const deltas = this.known.map((index) => this.heads[index].delta);
    const low = Math.min(0, ...deltas.map((delta, at) => delta - errors[at]));
    const high = Math.max(0, ...deltas.map((delta, at) => delta + errors[at]));
    const inner = HEIGHT - EDGE.top - EDGE.bottom;
    const y = (value) => EDGE.top + ((high - value) / (high - low || 1)) * inner;
    this.step = (this.width - EDGE.left - EDGE.right) / this.known.length;
    this.svg.setAttribute("viewBox", `0 0 ${this.width} ${HEIGHT}`);
    this.svg.style.height = `${HEIGHT}px`;
    this.svg.replaceChildren(...this.#axis(low, high, y));
    this.bars = new Map(this.known.map((index) => [index, this.#bar(index, y)]));
    this.svg.append(...this.bars.values());
    this.#place();
  }

  #axis(low, high, y) {
    const parts = [];
    for (const value of ticks(low, high)) {
      const at = Math.round(y(value)) + 0.5;
      const kind = value === 0 ? "zero" : "tick";
      parts.push(makeSVG("line", { class: kind, x1: EDGE.left, x2: this.width - EDGE.right, y1: at, y2: at }));
      const label = value === 0 ? "0" : signedText(value).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
      parts.push(makeSVG("text", { class: "tick-label", x: EDGE.left - 6, y: at + 3.5, "text-anchor": "end" }, label));
    }
    return parts;
  }

  #bar(index, y) {
    const head = this.heads[index];
    const width = Math.max(1, Math.min(20, this.step * 0.68));
    const [top, bottom] = [y(Math.max(0, head.delta)), y(Math.min(0, head.delta))];
    const bar = makeSVG("g", { class: `bar-group ${head.delta >= 0 ? "up" : "down"}`, "data-index": index });
    bar.append(makeSVG("title", {}, describe(head)));
    const hit = { class: "hit", x: -this.step / 2, y: 0, width: this.step, height: HEIGHT };
    bar.append(makeSVG("rect", hit));
    const height = Math.max(0.75, bottom - top);
    bar.append(makeSVG("rect", { class: "value", x: -width / 2, y: top, width, height }));
    if (head.error > 0) {
      const ends = { y1: y(head.delta - head.error), y2: y(head.delta + head.error) };
      bar.append(makeSVG("line", { class: "whisker", x1: 0, x2: 0, ...ends }));
    }
    if (this.step >= (this.isManyLayered ? 34 : 20)) {
      const name = this.isManyLayered ? `${head.layer}.${head.head}` : `${head.head}`;
      bar.append(makeSVG("text", { class: "bar-label", y: HEIGHT - 4, "text-anchor": "middle" }, name));
    }
    return bar;
  }

  /** Puts the bars in their order; the style sheet lets them glide there. */
  #place() {
    const order = [...this.known];
    if (this.order === "sorted") order.sort((a, b) => this.heads[b].delta - this.heads[a].delta);
    order.forEach((index, place) => {
      this.bars.get(index).style.transform = `translateX(${EDGE.left + (place + 0.5) * this.step}px)`;
    });
    this.#markLayers();
  }

  /** In head order, where bars are too thin for names of their own, the layers' names stand below their first head. */
  #markLayers() {
    for (const mark of this.svg.querySelectorAll(".layer-mark")) mark.remove();
    if (!this.isManyLayered || this.step >= 34 || this.order === "sorted") return;
    this.known.forEach((index, place) => {
      const layer = this.heads[index].layer;
      if (place > 0 && this.heads[this.known[place - 1]].layer === layer) return;
      const x = EDGE.left + place * this.step;
      const mark = makeSVG("g", { class: "layer-mark" });
      mark.append(makeSVG("line", { class: "tick", x1: x, x2: x, y1: EDGE.top, y2: HEIGHT - 2 }));
      mark.append(makeSVG("text", { class: "bar-label", x: x + 4, y: HEIGHT - 4 }, `L${layer}`));
      this.svg.prepend(mark);
    });
  }

  update(selection) {
    if (!this.bars) return;
    for (const [index, bar] of this.bars) bar.classList.toggle("is-shown", index === selection.head);
  }
}

/** A few round values from low to high, zero among them. */
function ticks(low, high) {
  const rough = (high - low) / 3 || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough) ?? rough;
  const values = [];
  for (let at = Math.ceil(low / step); at <= Math.floor(high / step); at++) values.push(at === 0 ? 0 : at * step);
  return values;
}

function summary(heads, known, ablation) {
  const best = known.reduce((a, b) => (heads[b].delta > heads[a].delta ? b : a));
  const what = `Loss difference for each of ${known.length} heads (${ablation.kind} ablation)`;
  return `${what}; greatest: ${describe(heads[best])}`;
}
