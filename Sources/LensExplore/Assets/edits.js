// Edits of the pass: heads ablated or scaled, directions added. They are the words of `lensctl --edit`, in JSON.

import { byID, make } from "../../LensReport/Assets/format.js";
import { visibleToken } from "./visible.js";

/** Whether an edit ablates or scales one whole head. */
const isOfHead = (edit, layer, head) =>
  edit.hook === "z" && edit.layer === layer && edit.head === head && edit.pos === undefined &&
  ["zero", "mean", "scale"].includes(edit.action);

/** The factor on a head's output: 1 where it is as it was. */
export function scaleOf(edits, { layer, head }) {
  const edit = edits.find((each) => isOfHead(each, layer, head));
  if (!edit) return 1;
  return edit.action === "scale" ? edit.value : 0;
}

/** The edits with another factor on a head. */
export function withScale(edits, { layer, head }, factor) {
  const others = edits.filter((each) => !isOfHead(each, layer, head));
  if (factor === 1) return others;
  const action = factor === 0 ? { action: "zero" } : { action: "scale", value: factor };
  return [...others, { ...action, hook: "z", layer, head }];
}

/** An edit in a few words for a tile, by the head's number. */
export function editedHeads(edits, heads) {
  const words = new Map();
  heads.forEach((each, index) => {
    const edit = edits.find((one) => isOfHead(one, each.layer, each.head));
    if (edit) words.set(index, edit.action === "scale" ? `× ${edit.value}` : edit.action === "mean" ? "mean" : "off");
  });
  return words;
}

export class EditList {
  constructor(view) {
    this.view = view;
    this.list = byID("edit-list");
    this.list.addEventListener("click", (event) => {
      const index = Number(event.target.closest("[data-remove]")?.dataset.remove ?? NaN);
      if (Number.isInteger(index)) this.#put(index, null);
    });
    this.list.addEventListener("input", (event) => this.#slide(event.target));
    byID("edits-clear").addEventListener("click", () => view.set({ edits: [] }));
    this.#listenToForm();
    view.subscribe((changed) => changed.has("edits") && this.update());
  }

  #listenToForm() {
    const form = byID("direction-form");
    byID("direction-open").addEventListener("click", (event) => {
      form.hidden = !form.hidden;
      event.currentTarget.setAttribute("aria-expanded", String(!form.hidden));
      if (!form.hidden) byID("direction-token").focus();
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const token = byID("direction-token").value;
      const minus = byID("direction-minus").value;
      if (token === "") return;
      const direction = { token: spaced(token), scale: 4, ...(minus ? { minus: spaced(minus) } : {}) };
      const edit = { direction, hook: "resid_post", layer: Number(byID("direction-layer").value) };
      this.view.set({ edits: [...this.view.state.edits, edit] });
    });
  }

  /** Offers the model's layers. */
  setLayers(count) {
    byID("direction-layer").replaceChildren(...Array.from({ length: count }, (_, layer) => make("option", "", String(layer))));
  }

  #put(index, edit) {
    const edits = [...this.view.state.edits];
    edits.splice(index, 1, ...(edit ? [edit] : []));
    this.view.set({ edits });
  }

  #slide(input) {
    const index = Number(input.dataset.index);
    const edit = this.view.state.edits[index];
    if (!edit) return;
    const value = Number(input.value);
    if (edit.direction) this.#put(index, { ...edit, direction: { ...edit.direction, scale: value } });
    else if (edit.action === "scale" || edit.action === "zero") {
      const { action, ...rest } = edit;
      this.#put(index, value === 0 ? { ...rest, action: "zero", value: undefined } : { ...rest, action: "scale", value });
    }
  }

  update() {
    const { edits } = this.view.state;
    byID("edits-clear").hidden = edits.length === 0;
    // A slider that is being moved stays the element it is.
    const held = this.list.contains(document.activeElement) ? document.activeElement.dataset.index : undefined;
    if (held !== undefined && this.list.children.length === edits.length) {
      edits.forEach((edit, index) => this.#rename(this.list.children[index], edit));
    } else {
      this.list.replaceChildren(...edits.map((edit, index) => this.#item(edit, index)));
    }
  }

  #rename(item, edit) {
    const name = item.querySelector(".edit-name");
    // A long one is cut: the whole stands in its tip.
    name.textContent = name.title = describe(edit);
    const output = item.querySelector("output");
    if (output) output.textContent = amountOf(edit).toFixed(2);
  }

  #item(edit, index) {
    const item = make("li", "", make("span", "edit-name"));
    this.#rename(item, edit);
    const amount = amountOf(edit);
    if (amount !== null) {
      const slider = make("input");
      const most = edit.direction ? 20 : 3;
      Object.assign(slider, { type: "range", min: edit.direction ? -20 : 0, max: most, step: edit.direction ? 0.5 : 0.05 });
      slider.value = String(amount);
      slider.dataset.index = index;
      slider.setAttribute("aria-label", `Amount of: ${describe(edit)}`);
      item.append(slider, make("output", "number", amount.toFixed(2)));
    }
    const remove = make("button", "remove", "×");
    remove.type = "button";
    remove.dataset.remove = index;
    remove.setAttribute("aria-label", `Remove: ${describe(edit)}`);
    item.append(remove);
    return item;
  }
}

/** What a slider moves, or null where an edit has no amount. */
function amountOf(edit) {
  if (edit.direction) return edit.direction.scale;
  if (edit.action === "scale" && typeof edit.value === "number") return edit.value;
  return edit.action === "zero" && edit.hook === "z" && typeof edit.head === "number" ? 0 : null;
}

function describe(edit) {
  if (edit.direction) {
    const { token, minus } = edit.direction;
    const away = minus ? ` − ${visibleToken(minus)}` : "";
    return `+ ${visibleToken(token)}${away} after layer ${edit.layer}`;
  }
  const head = edit.head === undefined ? "" : `H${[edit.head].flat().join(",")}`;
  const layer = edit.layer === undefined ? "" : `L${[edit.layer].flat().join(",")}`;
  const isOff = edit.action === "zero";
  const place = edit.hook === "z" && head ? `${layer}${head}` : `${edit.hook} ${layer}${head}`;
  return isOff ? `${place} off` : `${place} ${edit.action}`;
}

/** Words inside a text begin with a space; who writes one writes it without. */
const spaced = (word) => (/^[\p{L}\p{N}]/u.test(word) ? ` ${word}` : word);
