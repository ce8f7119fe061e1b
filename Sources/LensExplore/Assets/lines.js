// One head as lines between two columns of the text, as BertViz draws it: who looks on the left, what is looked at right.

import { byID } from "../../LensReport/Assets/format.js";
import { rampColour, styleColour } from "../../LensReport/Assets/colours.js";
import { prepare } from "../../LensReport/Assets/raster.js";

const LEAST_ROW = 15;
const MOST_ROW = 24;
const SCROLL_BAR = 12;
/** Values under this share of the strongest are not drawn. */
const FAINT = 0.02;

export class LinesView {
  constructor(selection) {
    this.selection = selection;
    this.box = byID("lines-box");
    this.canvas = byID("lines");
    this.#listen();
    selection.subscribe(() => this.update());
  }

  show(tokens, cells) {
    Object.assign(this, { tokens, cells });
  }

  #listen() {
    const placeAt = (event) => {
      const box = this.canvas.getBoundingClientRect();
      const position = Math.floor((event.clientY - box.top) / this.row);
      if (position < 0 || position >= this.tokens.length) return null;
      const isLeft = event.clientX - box.left < box.width / 2;
      return isLeft ? { destination: position, source: null } : { destination: null, source: position };
    };
    this.canvas.addEventListener("pointermove", (event) => this.selection.point(this.#meet(placeAt(event))));
    this.canvas.addEventListener("pointerleave", () => this.selection.point(null));
    this.canvas.addEventListener("click", (event) => {
      const place = placeAt(event);
      if (place) this.selection.lock(this.#meet(place));
    });
    this.box.addEventListener("keydown", (event) => {
      const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
      if (!step) return;
      const at = this.selection.target?.destination ?? (step > 0 ? -1 : this.tokens.length);
      const destination = Math.min(this.tokens.length - 1, Math.max(0, at + step));
      this.selection.point({ destination, source: null });
      event.preventDefault();
    });
  }

  /** With one side locked, the cell that the other side completes. */
  #meet(place) {
    const { locked } = this.selection;
    if (!place || !locked || (locked.destination === null) === (locked.source === null)) return place;
    const met = { destination: locked.destination ?? place.destination, source: locked.source ?? place.source };
    const isCell = met.destination !== null && met.source !== null && met.source <= met.destination;
    return isCell ? met : place;
  }

  /** Fits the columns into a width and a height; what does not fit scrolls. */
  layout(width, height) {
    const count = this.tokens.length;
    this.row = Math.max(LEAST_ROW, Math.min(MOST_ROW, Math.floor(height / count)));
    this.size = { width, height: this.row * count };
    this.column = Math.min(150, width * 0.3);
    this.box.style.width = `${width + SCROLL_BAR}px`;
    this.box.style.height = `${Math.min(height, this.size.height)}px`;
    prepare(this.canvas, this.size.width, this.size.height);
    this.update();
  }

  update() {
    if (this.box.hidden || !this.row) return;
    const scale = window.devicePixelRatio || 1;
    const context = this.canvas.getContext("2d");
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    context.save();
    context.scale(scale, scale);
    this.#drawLines(context);
    this.#drawNames(context);
    context.restore();
  }

  #drawLines(context) {
    const target = this.selection.target;
    const { head } = this.selection;
    const codes = this.cells.codes(head);
    const nothing = this.cells.scheme === "change" ? 128 : 0;
    const [left, right] = [this.column, this.size.width - this.column];
    const middle = (left + right) / 2;
    let at = 0;
    for (let destination = 0; destination < this.tokens.length; destination++) {
      for (let source = 0; source <= destination; source++, at++) {
        if (target && !touches(target, destination, source)) continue;
        const share = ((codes[at] - nothing) / (255 - nothing)) ** 2;
        if (share < FAINT) continue;
        const [from, to] = [(destination + 0.5) * this.row, (source + 0.5) * this.row];
        context.globalAlpha = Math.min(1, (target ? 0.15 : 0.04) + Math.sqrt(share) * (target ? 0.85 : 0.6));
        context.strokeStyle = nothing ? rampColour(codes[at] > 128 ? 220 : 36, "change") : styleColour("accent");
        context.lineWidth = 0.75 + 2.5 * share;
        context.beginPath();
        context.moveTo(left + 4, from);
        context.bezierCurveTo(middle, from, middle, to, right - 4, to);
        context.stroke();
      }
    }
    context.globalAlpha = 1;
  }

  #drawNames(context) {
    const { destination = null, source = null } = this.selection.target ?? {};
    context.font = `12px ${styleColour("mono")}`;
    context.textBaseline = "middle";
    const [muted, strong] = [styleColour("muted"), { destination: styleColour("destination"), source: styleColour("source") }];
    this.tokens.forEach((token, position) => {
      const y = (position + 0.5) * this.row + 0.5;
      context.textAlign = "right";
      context.fillStyle = position === destination ? strong.destination : muted;
      context.fillText(token.text, this.column - 2, y, this.column - 4);
      context.textAlign = "left";
      context.fillStyle = position === source ? strong.source : muted;
      context.fillText(token.text, this.size.width - this.column + 2, y, this.column - 4);
    });
  }
}

function touches(target, destination, source) {
  return (target.destination ?? destination) === destination && (target.source ?? source) === source;
}
