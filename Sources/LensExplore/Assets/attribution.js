// Signed patterns: attention times the gradient of a metric, for all heads at once, while somebody looks at them.

import { readArray } from "./arrays.js";
import { SignedCells } from "./cells.js";
import { Question } from "./question.js";
import { passOf } from "./view.js";

export class Attribution {
  /** `onCells(cells, key)` gets the cells of the pass, and of the pass without edits under the key "base". */
  constructor(view, onCells, onState) {
    Object.assign(this, { view, cells: { edited: null, base: null } });
    this.questions = ["edited", "base"].map((key) => new Question("attribution", {
      delay: 60,
      onState,
      onReply: (reply) => {
        this.cells[key] = new SignedCells(reply.triangles, readArray(reply.scales).values, this.positions);
        onCells();
      },
    }));
  }

  /** Asks for a look's signed patterns, or for none. */
  update(look) {
    const { state } = this.view;
    this.positions = look.tokens.length;
    const isWanted = state.measure === "attribution";
    const isCompared = isWanted && state.change && state.edits.length > 0;
    const metric = metricOf(state, look.next.position);
    for (const [index, wanted] of [isWanted, isCompared].entries()) {
      const pass = index === 0 ? passOf(state) : { ...passOf(state), edits: [] };
      if (!wanted) this.cells[index === 0 ? "edited" : "base"] = null;
      this.questions[index].ask(wanted ? { ...pass, metric } : null);
    }
  }

  get calls() {
    return this.questions.map((question) => question.answered).filter(Boolean);
  }
}

/** What is attributed: the chosen token's log-probability or logit difference, otherwise the loss. */
function metricOf({ answer, wrong }, position) {
  if (answer === null) return { kind: "loss" };
  if (wrong === null || wrong === answer) return { kind: "logprob", token: answer, position };
  return { kind: "logit_diff", token: answer, wrong, position };
}
