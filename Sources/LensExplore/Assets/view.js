// What the reader looks at, apart from the head and the cell (selection.js): one flat value that stands in the address.

export const DEFAULTS = Object.freeze({
  model: "",
  text: "",
  /** Token ids that are run instead of a text, or null. */
  ids: null,
  bos: true,
  /** Edits as `lensctl --edit` takes them in JSON. */
  edits: Object.freeze([]),
  /** What cells show: "attention", "value" (times the norm of the value), "attribution". */
  measure: "attention",
  /** Whether cells show their change by the edits. */
  change: false,
  /** "one" head, or "mean" or "max" of its "layer" or of "all". */
  across: "one",
  picture: "matrix",
  tint: "loss",
  panel: "why",
  /** The prompt to compare with. */
  other: "",
  /** Ids of the token that is asked about and of the one against it, or null. */
  answer: null,
  wrong: null,
  /** The position whose next token is predicted; null is the last. */
  position: null,
  /** "LAYER.NEURON", or "LAYER" for the strongest. */
  neuron: "",
  /** "LAYER.HEAD" */
  head: "",
  /** "DESTINATION.SOURCE"; one of them may be left out. */
  cell: "",
});

const CHOICES = {
  measure: ["attention", "value", "attribution"],
  across: ["one", "mean-layer", "max-layer", "mean-all", "max-all"],
  picture: ["matrix", "lines"],
  tint: ["loss", "change", "none"],
  panel: ["why", "lens", "parts", "neurons", "compare"],
};

export class View {
  #listeners = [];
  state = { ...DEFAULTS };

  /** `listener(changed)` is called after every change with the set of the names that changed. */
  subscribe(listener) {
    this.#listeners.push(listener);
  }

  set(changes) {
    const changed = new Set(Object.keys(changes).filter((name) => !equal(changes[name], this.state[name])));
    if (changed.size === 0) return;
    this.state = { ...this.state, ...changes };
    for (const listener of this.#listeners) listener(changed);
  }
}

/** The view as an address's fragment, without what is as always. */
export function fragmentOf(state) {
  const parts = new URLSearchParams();
  for (const [name, usual] of Object.entries(DEFAULTS)) {
    const value = state[name];
    if (!equal(value, usual)) parts.set(name, typeof value === "string" ? value : JSON.stringify(value));
  }
  return parts.toString();
}

/** A view from a fragment; what cannot be read is as always. */
export function viewOf(fragment) {
  const state = { ...DEFAULTS };
  for (const [name, text] of new URLSearchParams(fragment.replace(/^#/, ""))) {
    if (!(name in DEFAULTS)) continue;
    const value = typeof DEFAULTS[name] === "string" ? text : parsed(text);
    if (isPossible(name, value)) state[name] = value;
  }
  return state;
}

function isPossible(name, value) {
  if (name in CHOICES) return CHOICES[name].includes(value);
  if (name === "edits") return Array.isArray(value) && value.every((edit) => edit && typeof edit === "object");
  if (name === "ids") return Array.isArray(value) && value.every((id) => Number.isSafeInteger(id) && id >= 0);
  const usual = DEFAULTS[name];
  return usual === null ? Number.isSafeInteger(value) : typeof value === typeof usual;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const equal = (a, b) => a === b || JSON.stringify(a) === JSON.stringify(b);

/** The pass that the view is about, as the API takes it. */
export function passOf({ model, text, ids, bos, edits }) {
  return { model, prompt: ids ? { tokens: ids } : { text, prepend_bos: bos }, edits };
}
