// All heads as small multiples: a row for each layer, or a block where there is one layer.

import { byID, make, signedText } from "../../LensReport/Assets/format.js";
import { isDark, styleColour } from "../../LensReport/Assets/colours.js";
import { drawTriangle, fit, prepare } from "../../LensReport/Assets/raster.js";
import { triangleNumber } from "../../LensReport/Assets/patterns.js";
import { roving } from "../../LensReport/Assets/keyboard.js";

const EFFECT_HEIGHT = 8;
/** From this size on, in CSS pixels, a tile's empty upper triangle has room for words. */
const ROOMY = 62;
const MOST_PER_TILE_CELL = 14;
/** Cells of all tiles that one frame draws. */
const CELLS_PER_FRAME = 400_000;

export class Multiples {
  constructor(selection, { onAblate }) {
    this.selection = selection;
    this.container = byID("heads");
    this.tiles = [];
    this.drawn = [];
    this.#listen(onAblate);
    selection.subscribe(() => this.update());
  }

  #listen(onAblate) {
    const selection = this.selection;
    const indexOf = (event) => this.tiles.indexOf(event.target.closest(".tile"));
    this.container.addEventListener("pointerover", (event) => {
      const index = indexOf(event);
      if (index >= 0 && event.pointerType !== "touch") selection.pointAtHead(index);
    });
    this.container.addEventListener("click", (event) => {
      const index = indexOf(event);
      if (index < 0) return;
      if (event.target.closest(".cut")) onAblate(index);
      else selection.keepHead(index);
    });
    this.begin = roving(this.container, () => this.tiles, {
      onFocus: (index) => selection.pointAtHead(index),
      onEnter: (index) => selection.keepHead(index),
    });
  }

  /**
   * Takes the heads and their cells. `effects` has for each head what ablating it does to the loss (`delta`, `error`)
   * or is null, `edited` the words for heads that are edited.
   */
  show(heads, cells, effects, edited) {
    const isSame = this.heads?.length === heads.length && this.heads.at(-1)?.layer === heads.at(-1)?.layer;
    Object.assign(this, { heads, cells, effects, edited });
    if (!isSame) {
      this.#build();
      this.drawn = [];
    }
    this.#describe();
    this.layout();
  }

  #build() {
    const layers = [...new Set(this.heads.map((head) => head.layer))];
    this.isDeep = layers.length > 1;
    this.container.classList.toggle("is-deep", this.isDeep);
    this.tiles = this.heads.map((head, index) => {
      const cut = make("span", "cut", "×");
      cut.title = "Ablate this head, or bring it back";
      cut.setAttribute("aria-hidden", "true");
      const name = make("b", "", this.isDeep ? String(head.head) : `H${head.head}`);
      const tile = make("div", "tile", make("span", "tile-caption", name, make("span", "tile-fact")), make("canvas"), cut);
      tile.id = `tile-${index}`;
      tile.dataset.head = `L${head.layer}H${head.head}`;
      tile.setAttribute("role", "option");
      return tile;
    });
    this.container.replaceChildren(...layers.map((layer) => {
      const members = this.tiles.filter((_, index) => this.heads[index].layer === layer);
      const group = make("div", "layer", make("div", "tiles", ...members));
      group.setAttribute("role", "group");
      group.setAttribute("aria-label", `Layer ${layer}`);
      if (this.isDeep) group.prepend(make("span", "layer-name", `L${layer}`));
      return group;
    }));
    this.columns = Math.max(...layers.map((layer) => this.heads.filter((head) => head.layer === layer).length));
    this.begin(this.selection.head);
  }

  /** Words for each tile: in its corner where there is room, and for those who cannot see it. */
  #describe() {
    this.tiles.forEach((tile, index) => {
      const head = this.heads[index];
      const kind = head.kinds?.[0];
      const edit = this.edited.get(index);
      const effect = this.effects?.[index];
      const parts = [`Layer ${head.layer}, head ${head.head}`];
      if (edit) parts.push(edit);
      for (const { name, score } of head.kinds ?? []) parts.push(`${name} ${score.toFixed(2)}`);
      if (effect) parts.push(`Δloss ${signedText(effect.delta, effect.error)}`);
      tile.setAttribute("aria-label", parts.join(", "));
      tile.title = this.isDeep ? parts.join(" · ") : "";
      tile.classList.toggle("is-edited", Boolean(edit));
      tile.querySelector(".tile-fact").textContent = edit ?? kind?.name ?? "";
    });
  }

  /** Chooses the tiles' size for the width there is, and draws them. */
  layout() {
    const width = this.container.clientWidth;
    if (!this.heads || width === 0) return;
    const square = Math.ceil(Math.sqrt(this.columns));
    const columns = this.isDeep ? this.columns : Math.min(this.columns, Math.max(square, Math.floor(width / 108)));
    const label = this.isDeep ? 24 : 0;
    const gap = this.isDeep ? Math.max(2, Math.min(6, Math.floor(width / columns / 8))) : 12;
    const size = Math.max(12, Math.min(96, Math.floor((width - label - gap * (columns - 1)) / columns)));
    const scale = window.devicePixelRatio || 1;
    const positions = this.cells.positions;
    const most = Math.max(44, MOST_PER_TILE_CELL * positions);
    this.fitted = fit(positions, Math.floor(Math.min(size, most) * scale));
    const side = this.fitted.side / scale;
    this.container.classList.toggle("is-roomy", side >= ROOMY);
    this.container.style.setProperty("--columns", columns);
    this.container.style.setProperty("--tile", `${side}px`);
    this.container.style.setProperty("--gap", `${Math.floor((width - label - columns * side) / Math.max(1, columns - 1))}px`);
    this.#draw(scale);
    this.update();
  }

  #draw(scale) {
    const drawn = [this.cells, this.effects, this.fitted.side, scale, isDark()];
    if (drawn.every((part, at) => part === this.drawn[at])) return;
    this.drawn = drawn;
    const reach = Math.max(0, ...(this.effects ?? []).map(({ delta, error }) => Math.abs(delta) + (error || 0)));
    cancelAnimationFrame(this.rest);
    this.#drawFrom(0, reach, scale);
  }

  /** Draws as many tiles as one frame has time for, and the others in the frames that follow: pointing stays smooth. */
  #drawFrom(first, reach, scale) {
    const { side } = this.fitted;
    const count = Math.max(1, Math.floor(CELLS_PER_FRAME / triangleNumber(this.cells.positions)));
    const end = Math.min(first + count, this.tiles.length);
    for (let index = first; index < end; index++) {
      const canvas = this.tiles[index].querySelector("canvas");
      const context = prepare(canvas, side / scale, side / scale + EFFECT_HEIGHT);
      drawTriangle(context, this.cells, index, this.fitted, 0, 0);
      const effect = this.effects?.[index];
      if (effect && reach > 0) drawEffect(context, effect, reach, side, scale);
    }
    if (end < this.tiles.length) this.rest = requestAnimationFrame(() => this.#drawFrom(end, reach, scale));
  }

  update() {
    const { head, isKept } = this.selection;
    const stale = new Set([this.marked, head]);
    this.marked = head;
    stale.forEach((index) => {
      const tile = this.tiles[index];
      if (!tile) return;
      const isShown = index === head;
      tile.classList.toggle("is-shown", isShown);
      tile.classList.toggle("is-kept", isShown && isKept);
      tile.setAttribute("aria-selected", String(isShown && isKept));
    });
  }
}

/** The head's Δloss as a bar from the middle, on one scale for all tiles. */
function drawEffect(context, { delta, error }, reach, side, scale) {
  const middle = side / 2;
  const line = Math.round(side + 5 * scale);
  const at = (value) => middle + (value / reach) * (middle - scale);
  context.fillStyle = styleColour("line");
  context.fillRect(0, line, side, scale);
  context.fillStyle = styleColour(delta >= 0 ? "up" : "down");
  context.fillRect(Math.min(middle, at(delta)), line - scale, Math.max(scale, Math.abs(at(delta) - middle)), 3 * scale);
  context.fillStyle = styleColour("ink");
  if (error > 0) context.fillRect(at(delta - error), line, at(delta + error) - at(delta - error), scale);
}
