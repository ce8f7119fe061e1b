// The text as tokens, tinted by the weights of the row or column that is looked at, and the reading in numbers.

import { byID, make, percentText, tokenElement, weightText } from "./format.js";
import { needsOtherInk, ramp, rampColour } from "./colours.js";
import { roving } from "./keyboard.js";
import { isCell } from "./selection.js";

const LIST_LENGTH = 5;
const HINT =
  "A row is a token that looks, a column one that is looked at. Point at a cell or at a token to see the weight; " +
  "click to lock it.";

export class TextView {
  constructor(data, patterns, selection) {
    this.tokens = data.tokens;
    this.losses = data.perTokenLoss;
    this.patterns = patterns;
    this.selection = selection;
    this.container = byID("text");
    this.readout = byID("readout");
    this.spans = this.tokens.map((token, position) => this.#span(token, position));
    this.#showNext(data.top);
    this.#listen();
    selection.subscribe(() => this.update());
  }

  #span(token, position) {
    const span = tokenElement(token, "token");
    span.dataset.position = position;
    span.setAttribute("role", "option");
    span.setAttribute("aria-label", `${token.text}, position ${position}, id ${token.id}`);
    this.container.append(span);
    // A line of the text ends where its newline token does.
    if (token.text.endsWith("↵")) this.container.append(make("br"));
    return span;
  }

  #showNext(top) {
    if (top.length === 0) return;
    const guesses = top.slice(0, 4).map(({ token, logprob }) => {
      return make("span", "guess", tokenElement(token), ` ${percentText(Math.exp(logprob))}`);
    });
    byID("next").append(make("span", "note", "next"), ...guesses);
  }

  #listen() {
    const selection = this.selection;
    const positionOf = (event) => this.spans.indexOf(event.target.closest(".token"));
    this.container.addEventListener("pointerover", (event) => {
      const position = positionOf(event);
      if (position >= 0 && event.pointerType !== "touch") selection.pointAtToken(position);
    });
    this.container.addEventListener("pointerleave", () => selection.point(null));
    this.container.addEventListener("click", (event) => {
      const position = positionOf(event);
      if (position >= 0) selection.lockToken(position);
    });
    this.container.addEventListener("focusout", () => selection.point(null));
    roving(this.container, this.spans, {
      onFocus: (position) => selection.pointAtToken(position),
      onEnter: (position) => selection.lockToken(position),
    });
    byID("direction").addEventListener("click", (event) => {
      const direction = event.target.dataset.direction;
      if (!direction) return;
      selection.setDirection(direction);
      for (const button of byID("direction").children) {
        button.setAttribute("aria-pressed", String(button.dataset.direction === direction));
      }
    });
  }

  update() {
    this.#tint();
    this.#read();
    this.#scroll();
  }

  /** Brings the token that is looked at elsewhere into view, where the text is longer than its box. */
  #scroll() {
    const target = this.selection.target;
    const box = this.container;
    if (!target || box.scrollHeight <= box.clientHeight || box.matches(":hover")) return;
    const span = this.spans[target.destination ?? target.source];
    const top = span.offsetTop - box.offsetTop - box.scrollTop;
    const isVisible = top >= 0 && top + span.offsetHeight <= box.clientHeight;
    if (!isVisible) box.scrollTop += top - box.clientHeight / 2;
  }

  /** The code that tints a token: of the row if there is a destination, otherwise of the column. */
  #codeOf(position, { destination, source }) {
    const head = this.selection.head;
    if (destination !== null) return position <= destination ? this.patterns.code(head, destination, position) : null;
    return position >= source ? this.patterns.code(head, position, source) : null;
  }

  #tint() {
    const target = this.selection.target;
    this.container.classList.toggle("is-locked", this.selection.isLocked);
    this.spans.forEach((span, position) => {
      const code = target && this.#codeOf(position, target);
      span.style.backgroundColor = code === null ? "" : rampColour(code);
      span.classList.toggle("is-inverse", code !== null && needsOtherInk(code));
      const isDestination = target?.destination === position;
      const isSource = target?.source === position;
      span.classList.toggle("is-destination", isDestination);
      span.classList.toggle("is-source", isSource);
      span.setAttribute("aria-selected", String(this.selection.isLocked && (isDestination || isSource)));
    });
  }

  #read() {
    const target = this.selection.target;
    if (!target) {
      this.readout.replaceChildren(make("p", "hint", HINT));
    } else if (isCell(target)) {
      this.readout.replaceChildren(...this.#cell(target));
    } else {
      this.readout.replaceChildren(...this.#line(target));
    }
    if (this.selection.isLocked) this.readout.append(make("p", "tag", "locked"));
  }

  #cell({ destination, source }) {
    const weight = this.patterns.weight(this.selection.head, destination, source);
    return [
      make("p", "reading", weightText(weight)),
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
      const swatch = make("span", "swatch");
      swatch.style.backgroundColor = rampColour(Math.round(Math.sqrt(Math.min(1, Math.max(0, weight.value))) * 255));
      list.append(make("li", "", swatch, make("span", "number", weightText(weight)), " ", this.#name(other)));
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

/** Draws the legend: the ramp with round weights at their square roots. */
export function drawLegend() {
  const canvas = byID("ramp");
  canvas.width = 256;
  canvas.height = 1;
  const context = canvas.getContext("2d");
  const image = context.createImageData(256, 1);
  const colours = ramp();
  for (let code = 0; code < 256; code++) {
    image.data.set([colours[code * 3], colours[code * 3 + 1], colours[code * 3 + 2], 255], code * 4);
  }
  context.putImageData(image, 0, 0);
  const marks = [0, 0.1, 0.25, 0.5, 1].map((weight) => {
    const mark = make("span", "", String(weight));
    mark.style.left = `${Math.sqrt(weight) * 100}%`;
    return mark;
  });
  byID("ticks").replaceChildren(...marks);
}
