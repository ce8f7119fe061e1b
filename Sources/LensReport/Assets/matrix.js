// One head large. Tokens are named on the diagonal, where a row ends and a column begins.

import { byID } from "./format.js";
import { styleColour } from "./colours.js";
import { fit, drawTriangle, prepare } from "./raster.js";
import { arrowStep } from "./keyboard.js";

const EDGE_SIZE = 20;
const LABEL_HEIGHT = 10.5;
/** A short prompt's cells grow no larger than this, in CSS pixels. */
const MOST_PER_CELL = 44;
/** The corner box's greatest height and least width. */
const CORNER = { height: 195, width: 130 };

export class MatrixView {
  constructor(selection) {
    this.selection = selection;
    this.box = byID("matrix-box");
    this.canvas = byID("matrix");
    this.base = document.createElement("canvas");
    this.drawnHead = null;
    this.#listen();
    selection.subscribe(() => this.update());
  }

  /** Takes the tokens and the cells of all heads; `layout` or `draw` shows them. */
  show(tokens, patterns) {
    this.tokens = tokens;
    this.patterns = patterns;
    this.drawnHead = null;
  }

  #listen() {
    this.canvas.addEventListener("pointermove", (event) => {
      if (event.pointerType !== "touch") this.#point(event);
    });
    this.canvas.addEventListener("pointerleave", () => this.selection.point(null));
    this.canvas.addEventListener("click", (event) => {
      const place = this.#placeAt(event);
      if (!place) return;
      if (place.source === null) this.selection.lockToken(place.destination);
      else this.selection.lock(place);
    });
    this.canvas.addEventListener("keydown", (event) => this.#press(event));
    this.canvas.addEventListener("blur", () => this.selection.point(null));
  }

  #point(event) {
    const place = this.#placeAt(event);
    if (place && place.source === null) this.selection.pointAtToken(place.destination);
    else this.selection.point(place);
  }

  /** The cell under the pointer; a token's name at the end of its row has no source; null elsewhere. */
  #placeAt(event) {
    const box = this.canvas.getBoundingClientRect();
    const source = Math.floor((event.clientX - box.left - this.origin.x) / this.cell);
    const destination = Math.floor((event.clientY - box.top - this.origin.y) / this.cell);
    if (destination < 0 || destination >= this.tokens.length || source < 0) return null;
    if (source <= destination) return { destination, source };
    const pastEnd = (source - destination) * this.cell;
    return this.#hasLabel(destination) && pastEnd < this.labelRoom ? { destination, source: null } : null;
  }

  #press(event) {
    const target = this.selection.target;
    const step = arrowStep(event.key);
    const last = this.tokens.length - 1;
    const cell = { destination: target?.destination ?? last, source: target?.source ?? 0 };
    if (step) {
      if (target) {
        cell.source += step[0];
        cell.destination += step[1];
      }
      cell.destination = Math.min(last, Math.max(0, cell.destination));
      cell.source = Math.min(cell.destination, Math.max(0, cell.source));
      if (this.selection.isLocked) this.selection.release();
      this.selection.point(cell);
    } else if ((event.key === "Enter" || event.key === " ") && target) {
      this.selection.lock(cell);
    } else {
      return;
    }
    event.preventDefault();
  }

  /** Fits the matrix into the width of its box and a height, or the rest of the screen below it (null). */
  layout(isWide, room = null) {
    const scale = window.devicePixelRatio || 1;
    const width = this.box.clientWidth;
    this.labelRoom = Math.min(108, Math.max(56, width * 0.17));
    const height = room ?? (isWide ? Math.max(280, this.#heightBelow()) : Infinity);
    const available = Math.min(width - EDGE_SIZE - this.labelRoom, height, MOST_PER_CELL * this.tokens.length);
    this.fitted = fit(this.tokens.length, Math.floor(available * scale));
    const side = this.fitted.side / scale;
    this.cell = this.fitted.perPosition / scale;
    this.origin = { x: EDGE_SIZE, y: 4 };
    this.size = { width, height: side + this.origin.y + EDGE_SIZE };
    prepare(this.canvas, this.size.width, this.size.height);
    Object.assign(this.canvas.dataset, { originX: this.origin.x, originY: this.origin.y, cell: this.cell });
    // The numbers stand in the empty corner, clear of the names on the diagonal, or below where it is too small.
    const clear = Math.min(side, CORNER.height + this.cell) + this.labelRoom * 0.9;
    const left = Math.round(EDGE_SIZE + Math.max(side * 0.56, clear));
    byID("corner").style.left = `${left}px`;
    this.box.classList.toggle("is-small", width - left < CORNER.width);
    this.draw();
  }

  /** What is left of a screen that begins with the page, from the matrix on. */
  #heightBelow() {
    const above = this.canvas.getBoundingClientRect().top - byID("stage").getBoundingClientRect().top;
    return window.innerHeight - byID("page").offsetTop - above - 2 * EDGE_SIZE;
  }

  /** Draws everything anew. */
  draw() {
    this.drawnHead = null;
    this.update();
  }

  update() {
    if (!this.fitted) return;
    if (this.drawnHead !== this.selection.head) this.#drawBase();
    const context = this.canvas.getContext("2d");
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    context.drawImage(this.base, 0, 0);
    this.#inPixels(context, () => {
      this.#drawTarget(context);
      this.#drawLabels(context);
    });
  }

  #drawBase() {
    const scale = window.devicePixelRatio || 1;
    const head = this.selection.head;
    const context = prepare(this.base, this.size.width, this.size.height);
    const [x, y] = [Math.round(this.origin.x * scale), Math.round(this.origin.y * scale)];
    drawTriangle(context, this.patterns, head, this.fitted, x, y);
    this.#inPixels(context, () => {
      if (this.cell >= 9) this.#drawGrid(context);
      this.#drawAxes(context);
    });
    this.drawnHead = head;
  }

  /** Runs a drawing with CSS pixels as its unit. */
  #inPixels(context, drawing) {
    const scale = window.devicePixelRatio || 1;
    context.save();
    context.scale(scale, scale);
    drawing();
    context.restore();
  }

  /** Hairlines between cells, in the colour of the ground. */
  #drawGrid(context) {
    const { x, y } = this.origin;
    const count = this.tokens.length;
    context.fillStyle = styleColour("ground");
    for (let line = 1; line < count; line++) {
      context.fillRect(x, y + line * this.cell - 1, (line + 1) * this.cell, 1);
      context.fillRect(x + line * this.cell - 1, y + (line - 1) * this.cell, 1, (count - line + 1) * this.cell);
    }
  }

  #drawAxes(context) {
    const { x, y } = this.origin;
    const side = this.tokens.length * this.cell;
    context.font = `11px ${styleColour("sans")}`;
    context.fillStyle = styleColour("muted");
    context.textBaseline = "middle";
    context.textAlign = "left";
    context.fillText("source →", x, y + side + 11);
    context.save();
    context.translate(x - 11, y);
    context.rotate(-Math.PI / 2);
    context.textAlign = "right";
    context.fillText("← destination", 0, 0);
    context.restore();
  }

  /** Names are drawn for every token, or for as many as stand clear of one another. */
  #hasLabel(position) {
    return position % Math.max(1, Math.ceil(LABEL_HEIGHT / this.cell)) === 0;
  }

  #drawLabels(context) {
    const { destination = null, source = null } = this.selection.target ?? {};
    const strong = [source, destination].filter((position) => position !== null);
    const isCrowded = (position) => strong.some((other) => Math.abs(position - other) * this.cell < LABEL_HEIGHT);
    for (let position = 0; position < this.tokens.length; position++) {
      if (this.#hasLabel(position) && !isCrowded(position)) this.#drawLabel(context, position, "muted");
    }
    // The two that matter give way to each other.
    const distance = (destination - source) * this.cell;
    const nudge = source === null || destination === null ? 0 : Math.max(0, LABEL_HEIGHT + 2 - distance) / 2;
    if (source !== null && source !== destination) this.#drawLabel(context, source, "source", -nudge);
    if (destination !== null) this.#drawLabel(context, destination, "destination", source === destination ? 0 : nudge);
  }

  #drawLabel(context, position, colour, nudge = 0) {
    const isStrong = colour !== "muted";
    const size = Math.min(13, Math.max(10.5, this.cell * 0.72));
    context.font = `${isStrong ? "600 " : ""}${size}px ${styleColour("mono")}`;
    context.textBaseline = "middle";
    context.textAlign = "left";
    context.direction = "ltr";
    const text = clip(context, this.tokens[position].text || "∅", this.labelRoom - 8);
    const x = this.origin.x + (position + 1) * this.cell + 6;
    const y = Math.max(LABEL_HEIGHT / 2, this.origin.y + (position + 0.5) * this.cell + nudge);
    context.fillStyle = styleColour(colour);
    context.fillText(text, x, y + 0.5);
  }

  #drawTarget(context) {
    const target = this.selection.target;
    if (!target) return;
    const { destination, source } = target;
    const last = this.tokens.length;
    const width = this.selection.isLocked ? 2.5 : 1.5;
    if (destination !== null) this.#outline(context, 0, destination, destination + 1, 1, "destination", width);
    if (source !== null) this.#outline(context, source, source, 1, last - source, "source", width);
    if (destination !== null && source !== null) this.#outline(context, source, destination, 1, 1, "ink", 2.5);
  }

  /** A rectangle around cells, on a wider one of the ground's colour so that it shows on every shade. */
  #outline(context, column, row, columns, rows, colour, width) {
    const x = this.origin.x + column * this.cell;
    const y = this.origin.y + row * this.cell;
    for (const [name, line] of [["ground", width + 2], [colour, width]]) {
      context.strokeStyle = styleColour(name);
      context.lineWidth = line;
      context.strokeRect(x - 0.5, y - 0.5, columns * this.cell + 1, rows * this.cell + 1);
    }
  }
}

/** The text, cut to a width with an ellipsis. */
function clip(context, text, width) {
  if (context.measureText(text).width <= width) return text;
  const characters = [...text];
  while (characters.length > 1 && context.measureText(`${characters.join("")}…`).width > width) characters.pop();
  return `${characters.join("")}…`;
}
