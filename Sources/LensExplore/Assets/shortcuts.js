// Keys that work anywhere but in a field.

import { byID } from "../../LensReport/Assets/format.js";
import { switchTheme } from "./theme.js";

const PANELS = ["why", "lens", "parts", "neurons", "compare"];
const MEASURES = ["attention", "value", "attribution"];

/** `actions` has `redraw`, `save`, `place`, `toggle(head)` and `headCount`. */
export function startShortcuts(view, selection, actions) {
  const stepHead = (step) => {
    const count = actions.headCount();
    if (count === 0) return;
    selection.isKept = false;
    selection.keepHead((selection.head + step + count) % count);
  };
  const keys = {
    "/": () => byID("prompt").focus(),
    "?": () => byID("help").showModal(),
    "[": () => stepHead(-1),
    "]": () => stepHead(1),
    x: () => actions.toggle(selection.head),
    0: () => view.set({ edits: [] }),
    d: () => view.set({ change: !view.state.change }),
    v: () => view.set({ measure: MEASURES[(MEASURES.indexOf(view.state.measure) + 1) % MEASURES.length] }),
    m: () => view.set({ picture: view.state.picture === "matrix" ? "lines" : "matrix" }),
    p: actions.place,
    s: actions.save,
    t: () => {
      switchTheme();
      actions.redraw();
    },
  };
  PANELS.forEach((panel, index) => (keys[index + 1] = () => view.set({ panel })));
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || byID("help").open) return;
    const field = event.target.closest("input:not([type=range]), textarea, select");
    if (event.key === "Escape") {
      if (field) field.blur();
      else selection.release();
    } else if (!field && keys[event.key]) {
      keys[event.key]();
      event.preventDefault();
    }
  });
  byID("help-open").addEventListener("click", () => byID("help").showModal());
}
