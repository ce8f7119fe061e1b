// What ablating each head alone does to the loss: at once where that is quick, otherwise when asked for.

import { byID } from "../../LensReport/Assets/format.js";
import { readArray } from "./arrays.js";
import { isSaved } from "./api.js";
import { Question } from "./question.js";
import { passOf } from "./view.js";

/** Heads × tokens × parameters that take well under a second on two cores. */
const QUICK = 2e10;

export class HeadSweep {
  /** `onEffects(effects)` gets `{ delta, error }` for each head, or null when there is nothing yet. */
  constructor(view, onEffects) {
    Object.assign(this, { view, onEffects, effects: null, wanted: null });
    this.question = new Question("ablate", {
      delay: 150,
      onReply: (reply) => this.#take(reply),
      onState: (state) => this.#tell(state),
    });
    byID("sweep-start").addEventListener("click", () => {
      this.wanted = this.key;
      this.update(this.look, this.parameters);
    });
  }

  /** Asks for the effects on a look's pass. */
  update(look, parameters) {
    Object.assign(this, { look, parameters });
    const request = { ...passOf(this.view.state), kind: "zero" };
    this.key = JSON.stringify(request);
    const isQuick = look.heads.length * look.tokens.length * parameters < QUICK;
    if (this.effects && this.effectsKey !== this.key) {
      this.effects = null;
      this.onEffects(null);
    }
    const isAsked = (isQuick || isSaved || this.wanted === this.key) && look.tokens.length > 1;
    byID("sweep-start").hidden = isAsked || look.tokens.length < 2;
    this.pending = this.key;
    this.question.ask(isAsked ? request : null);
  }

  #take(reply) {
    const delta = readArray(reply.delta).values;
    const errors = readArray(reply.standard_error).values;
    this.effects = Array.from(delta, (value, index) => ({ delta: value, error: errors[index] }));
    this.effectsKey = this.pending;
    this.onEffects(this.effects);
  }

  #tell({ isPending, error, progress }) {
    const bar = byID("sweep-progress");
    bar.hidden = !isPending || !progress;
    if (progress) Object.assign(bar, { max: progress.total, value: progress.done });
    const isMissing = error?.code === "NOT_SAVED" || error?.code === "UNIMPLEMENTED";
    const found = this.question.answered && !isPending ? "bars: Δloss when a head is ablated" : "";
    byID("sweep-note").textContent = error && !isMissing ? error.message : found;
  }
}
