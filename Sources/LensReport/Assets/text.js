// The text as tokens, tinted by the cells of the row or column that is looked at.

import { byID, make, tokenElement } from "./format.js";
import { needsOtherInk, rampColour } from "./colours.js";
import { roving } from "./keyboard.js";

export class TextView {
  constructor(selection) {
    this.selection = selection;
    this.container = byID("text");
    this.spans = [];
    /** What tints a token while nothing is looked at: `(position) => ({ code, scheme })` or null. */
    this.ground = () => null;
    /** The same for what is shown for a moment, whatever is looked at; null mostly. */
    this.over = null;
    this.#listen();
    selection.subscribe(() => this.update());
  }

  /** Takes the tokens and the cells of all heads; `update` tints them. */
  show(tokens, patterns) {
    this.patterns = patterns;
    this.container.replaceChildren();
    // What the spans are already, so that only changes touch them.
    [this.colours, this.marks] = [[], []];
    this.spans = tokens.map((token, position) => this.#span(token, position));
    this.begin(0);
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
    this.begin = roving(this.container, () => this.spans, {
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
    if (!this.patterns) return;
    this.#tint();
    this.#scroll();
  }

  /** Brings the token that is looked at elsewhere into view, where the text is longer than its box. */
  #scroll() {
    const target = this.selection.target;
    const box = this.container;
    if (!target || box.matches(":hover") || box.scrollHeight <= box.clientHeight) return;
    const span = this.spans[target.destination ?? target.source];
    const top = span.offsetTop - box.offsetTop - box.scrollTop;
    const isVisible = top >= 0 && top + span.offsetHeight <= box.clientHeight;
    if (!isVisible) box.scrollTop += top - box.clientHeight / 2;
  }

  /** What tints a token: of the row if there is a destination, otherwise of the column. */
  #shade(position, { destination, source }) {
    const head = this.selection.head;
    const isRow = destination !== null;
    if (isRow ? position > destination : position < source) return null;
    const code = isRow ? this.patterns.code(head, destination, position) : this.patterns.code(head, position, source);
    return { code, scheme: this.patterns.scheme };
  }

  #tint() {
    const target = this.selection.target;
    this.container.classList.toggle("is-locked", this.selection.isLocked);
    this.spans.forEach((span, position) => {
      const shade = this.over ? this.over(position) : target ? this.#shade(position, target) : this.ground(position);
      const colour = shade === null ? "" : rampColour(shade.code, shade.scheme);
      if (this.colours[position] !== colour) {
        this.colours[position] = colour;
        span.style.backgroundColor = colour;
        span.classList.toggle("is-inverse", shade !== null && needsOtherInk(shade.code, shade.scheme));
      }
      const isDestination = target?.destination === position;
      const isSource = target?.source === position;
      const mark = `${isDestination}${isSource}${this.selection.isLocked}`;
      if (this.marks[position] === mark) return;
      this.marks[position] = mark;
      span.classList.toggle("is-destination", isDestination);
      span.classList.toggle("is-source", isSource);
      span.setAttribute("aria-selected", String(this.selection.isLocked && (isDestination || isSource)));
    });
  }
}
