// The reading in numbers: the cell, row or column that is looked at.

import { byID, make, tokenElement } from "./format.js";
import { ramp, rampColour } from "./colours.js";
import { isCell } from "./selection.js";

const LIST_LENGTH = 5;
export const MATRIX_HINT =
  "A row is a token that looks, a column one that is looked at. Point at a cell or at a token to see the weight; " +
  "click to lock it.";

export class Reading {
  constructor(selection) {
    this.selection = selection;
    /** What is said while nothing is looked at. */
    this.hint = MATRIX_HINT;
    this.container = byID("readout");
    selection.subscribe(() => this.update());
  }

  /** Takes the tokens, the cells of all heads and the loss of each token but the first; `update` shows them. */
  show(tokens, patterns, losses) {
    Object.assign(this, { tokens, patterns, losses });
  }

  update() {
    if (!this.patterns) return;
    const target = this.selection.target;
    if (!target) {
      this.container.replaceChildren(make("p", "hint", this.hint));
    } else if (isCell(target)) {
      this.container.replaceChildren(...this.#cell(target));
    } else {
      this.container.replaceChildren(...this.#line(target));
    }
    if (this.selection.isLocked) this.container.append(make("p", "tag", "locked"));
  }

  #cell({ destination, source }) {
    const weight = this.patterns.weight(this.selection.head, destination, source);
    return [
      make("p", "reading", this.patterns.text(weight)),
      make("p", "pair", this.#name(destination, "as-destination"), " reads ", this.#name(source, "as-source")),
      make("p", "note", `destination ${destination}, source ${source}`),
    ];
  }

  #line({ destination, source }) {
    const head = this.selection.head;
    const isRow = destination !== null;
    const position = isRow ? destination : source;
    const title = isRow
      ? make("p", "pair", this.#name(position, "as-destination"), " reads")
      : make("p", "pair", this.#name(position, "as-source"), " is read by");
    const entries = isRow
      ? this.patterns.top(head, position).map((entry) => ({ ...entry, other: entry.source }))
      : this.patterns
          .topReaders(head, position, LIST_LENGTH)
          .map((entry) => ({ ...entry, other: entry.destination }));
    const list = make("ol", "strongest");
    for (const { other, weight } of entries.slice(0, LIST_LENGTH)) {
      const code = isRow ? this.patterns.code(head, position, other) : this.patterns.code(head, other, position);
      const swatch = make("span", "swatch");
      swatch.style.backgroundColor = rampColour(code, this.patterns.scheme);
      list.append(make("li", "", swatch, make("span", "number", this.patterns.text(weight)), " ", this.#name(other)));
    }
    const loss = position > 0 ? this.losses[position - 1] : null;
    const facts = [`position ${position}`];
    if (loss !== null && loss !== undefined) facts.push(`its own loss ${loss.toFixed(3)}`);
    return [title, list, make("p", "note", facts.join(", "))];
  }

  #name(position, className = "") {
    return tokenElement(this.tokens[position], className);
  }
}

/** Draws the legend: a ramp with round values at the square roots that its colours follow; `scale` is its end. */
export function drawLegend(scheme = "weight", scale = 1) {
  const canvas = byID("ramp");
  canvas.width = 256;
  canvas.height = 1;
  const context = canvas.getContext("2d");
  const image = context.createImageData(256, 1);
  const colours = ramp(scheme);
  for (let code = 0; code < 256; code++) {
    image.data.set([colours[code * 3], colours[code * 3 + 1], colours[code * 3 + 2], 255], code * 4);
  }
  context.putImageData(image, 0, 0);
  const isSigned = scheme === "change";
  const isUsual = scale === 1;
  const signed = isUsual ? [-1, -0.25, 0, 0.25, 1] : [-1, 0, 1];
  const shares = isSigned ? signed : isUsual ? [0, 0.1, 0.25, 0.5, 1] : [0, 0.25, 1];
  const marks = shares.map((share) => {
    const root = Math.sign(share) * Math.sqrt(Math.abs(share));
    const mark = make("span", "", tickText(share * scale));
    mark.style.left = `${(isSigned ? 0.5 + root / 2 : root) * 100}%`;
    return mark;
  });
  byID("ticks").replaceChildren(...marks);
}

function tickText(value) {
  return String(Number(value.toPrecision(2))).replace("-", "−");
}
