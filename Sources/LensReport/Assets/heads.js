// The small multiples: one tile per head, a row group per layer.

import { make, byID, signedText } from "./format.js";
import { styleColour } from "./colours.js";
import { fit, drawTriangle, prepare } from "./raster.js";
import { roving } from "./keyboard.js";

const EFFECT_HEIGHT = 9;
/** From this size on, in CSS pixels, a tile's empty upper triangle has room for words. */
const ROOMY = 84;
/** A short prompt's cells grow no larger than this in a tile; its triangle leaves no room for words. */
const MOST_PER_TILE_CELL = 14;
const FEW_POSITIONS = 6;

export class HeadsView {
  constructor(heads, patterns, selection) {
    this.heads = heads;
    this.patterns = patterns;
    this.layers = [...new Set(heads.map((head) => head.layer))];
    this.reach = Math.max(...heads.map((head) => Math.abs(head.delta ?? 0) + (head.error ?? 0)));
    // Three digits that mean something for the greatest.
    this.digits = this.reach > 0 ? Math.min(6, Math.max(2, 2 - Math.floor(Math.log10(this.reach)))) : 2;
    this.container = byID("heads");
    this.tiles = heads.map((head, index) => this.#tile(head, index));
    this.#group();
    this.#listen(selection);
    selection.subscribe(() => this.update(selection));
  }

  #tile(head, index) {
    const name = this.layers.length > 1 ? `${head.head}` : `H${head.head}`;
    const caption = make("span", "tile-caption", make("b", "", name));
    const kind = head.kinds?.[0];
    if (kind) caption.append(make("span", "tile-fact", kind.name));
    if (Number.isFinite(head.delta)) {
      caption.append(make("span", "tile-fact", signedText(head.delta, null, this.digits)));
    }
    const tile = make("div", "tile", caption, make("canvas"));
    tile.id = `tile-${index}`;
    tile.dataset.head = `L${head.layer}H${head.head}`;
    tile.setAttribute("role", "option");
    tile.setAttribute("aria-label", describe(head));
    return tile;
  }

  #group() {
    for (const layer of this.layers) {
      const members = this.tiles.filter((_, index) => this.heads[index].layer === layer);
      const group = make("div", "layer", make("div", "tiles", ...members));
      group.setAttribute("role", "group");
      group.setAttribute("aria-label", `Layer ${layer}`);
      if (this.layers.length > 1) group.prepend(make("span", "layer-name", `L${layer}`));
      this.container.append(group);
    }
  }

  #listen(selection) {
    const indexOf = (event) => this.tiles.indexOf(event.target.closest(".tile"));
    this.container.addEventListener("pointerover", (event) => {
      const index = indexOf(event);
      if (index >= 0 && event.pointerType !== "touch") selection.pointAtHead(index);
    });
    this.container.addEventListener("click", (event) => {
      const index = indexOf(event);
      if (index >= 0) selection.keepHead(index);
    });
    roving(this.container, () => this.tiles, {
      start: selection.head,
      onFocus: (index) => selection.pointAtHead(index),
      onEnter: (index) => selection.keepHead(index),
    });
  }

  /** Chooses the tiles' size for the room there is, and draws them. */
  layout(isWide) {
    const mostHeads = Math.max(...this.layers.map((layer) => this.heads.filter((head) => head.layer === layer).length));
    const width = this.container.clientWidth;
    const height = isWide ? this.#heightLeft() : Infinity;
    const { columns, size, gap: least } =
      this.layers.length > 1 ? arrangeLayers(mostHeads, width) : arrangeOne(mostHeads, width, height);
    const scale = window.devicePixelRatio || 1;
    const positions = this.patterns.positions;
    const most = Math.max(56, MOST_PER_TILE_CELL * positions);
    this.fitted = fit(positions, Math.floor(Math.min(size, most) * scale));
    const side = this.fitted.side / scale;
    const gap = this.layers.length > 1 ? least : spread(width, columns, side, least);
    this.container.classList.toggle("is-roomy", side >= ROOMY);
    this.container.classList.toggle("is-coarse", positions < FEW_POSITIONS);
    this.container.style.setProperty("--columns", columns);
    this.container.style.setProperty("--tile", `${side}px`);
    this.container.style.setProperty("--gap", `${gap}px`);
    this.#draw(scale);
  }

  /** Pixels from the tiles' top to the end of the first screen. */
  #heightLeft() {
    return window.innerHeight - (this.container.getBoundingClientRect().top + window.scrollY) - 16;
  }

  #draw(scale) {
    const fitted = this.fitted;
    const withEffect = this.reach > 0;
    this.tiles.forEach((tile, index) => {
      const canvas = tile.querySelector("canvas");
      const height = fitted.side / scale + (withEffect ? EFFECT_HEIGHT : 0);
      const context = prepare(canvas, fitted.side / scale, height);
      drawTriangle(context, this.patterns, index, fitted, 0, 0);
      if (withEffect) this.#drawEffect(context, this.heads[index], fitted.side, scale);
    });
  }

  /** The head's Δloss as a bar from the middle, on one scale for all tiles. */
  #drawEffect(context, { delta = null, error = null }, side, scale) {
    const middle = side / 2;
    const line = side + 6 * scale;
    const at = (value) => middle + (value / this.reach) * (middle - scale);
    context.fillStyle = styleColour("line");
    context.fillRect(0, line, side, Math.max(1, Math.round(scale / 2)));
    if (delta === null) return;
    context.fillStyle = styleColour(delta >= 0 ? "up" : "down");
    const left = Math.min(middle, at(delta));
    context.fillRect(left, line - 2 * scale, Math.max(scale, Math.abs(at(delta) - middle)), 4 * scale);
    context.fillStyle = styleColour("ink");
    if (error > 0) context.fillRect(at(delta - error), line - scale / 2, at(delta + error) - at(delta - error), scale);
  }

  update(selection) {
    this.tiles.forEach((tile, index) => {
      const isShown = index === selection.head;
      tile.classList.toggle("is-shown", isShown);
      tile.classList.toggle("is-kept", isShown && selection.isKept);
      tile.setAttribute("aria-selected", String(isShown && selection.isKept));
    });
  }
}

/** A head in words, for those who cannot see its tile. */
export function describe(head) {
  const parts = [`Layer ${head.layer}, head ${head.head}`];
  if (head.delta !== undefined) parts.push(`Δloss ${signedText(head.delta, head.error)}`);
  for (const kind of head.kinds ?? []) parts.push(`${kind.name} ${kind.score.toFixed(2)}`);
  return parts.join(", ");
}

/** One layer: a block near a square, as large as the screen allows. */
function arrangeOne(count, width, height) {
  const gap = 16;
  const columns = width < 380 ? Math.min(count, 3) : Math.ceil(Math.sqrt(count));
  const rows = Math.ceil(count / columns);
  const across = (width - gap * (columns - 1)) / columns;
  const down = height / rows - EFFECT_HEIGHT - 14;
  return { columns, size: Math.floor(Math.min(180, across, Math.max(ROOMY, down))), gap };
}

/** Lines up the tiles with the bars above where the gaps stay small enough. */
function spread(width, columns, side, least) {
  return columns > 1 ? Math.max(least, Math.min(72, Math.floor((width - columns * side) / (columns - 1)))) : least;
}

/** Several layers: a line each, or as few lines each as the width allows. */
function arrangeLayers(count, width) {
  const room = width - 30;
  const rows = Math.ceil(count / Math.max(1, Math.floor(room / 35)));
  const columns = Math.ceil(count / rows);
  const gap = room / columns >= ROOMY ? 14 : 5;
  return { columns, size: Math.floor(Math.min(130, (room - gap * (columns - 1)) / columns)), gap };
}
