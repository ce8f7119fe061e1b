// The pass that everything is about: asked whenever prompt, model or edits change, with the same pass unedited beside it.

import { Patterns } from "../../LensReport/Assets/patterns.js";
import { readArray } from "./arrays.js";
import { Question } from "./question.js";
import { readTokens } from "./visible.js";
import { passOf } from "./view.js";

const NEXT_COUNT = 12;

/** What came out of a pass. */
class Look {
  constructor(reply) {
    this.reply = reply;
    this.model = reply.model;
    this.tokens = readTokens(reply.tokens);
    this.loss = reply.loss;
    this.tokenLoss = reply.token_loss ? readArray(reply.token_loss).values : new Float32Array(0);
    this.next = { position: reply.next.position, tokens: readTokens(reply.next.tokens) };
    this.patterns = new Patterns(reply.patterns, reply.tokens.length);
    this.heads = reply.heads;
    this.norms = reply.value_norms ? readArray(reply.value_norms).values : null;
    this.change = reply.base?.pattern_change ? readArray(reply.base.pattern_change).values : null;
    /** The same pass without edits; null where there are none. */
    this.base = null;
    /** The unedited log-probabilities by token id, where there are edits. */
    this.baseNext = reply.base ? readTokens(reply.base.next) : [];
  }

  /** A token by its id, as far as this look knows it. */
  token(id) {
    const known = [...this.next.tokens, ...this.baseNext, ...this.tokens];
    return known.find((token) => token.id === id) ?? { id, text: `#${id}` };
  }

  /** A head's number among all, layer by layer; -1 where there is none. */
  indexOf(layer, head) {
    return this.heads.findIndex((each) => each.layer === layer && each.head === head);
  }
}

export class Looking {
  /** `onLook(look)` gets each new look; `onState` is that of a question. */
  constructor(view, onLook, onState) {
    Object.assign(this, { view, onLook });
    this.questions = [false, true].map((isEdited) => {
      const onReply = (reply) => this.#take(isEdited, reply);
      return new Question("look", { delay: isEdited ? 40 : 120, onReply, onState });
    });
    this.looks = [null, null];
  }

  update() {
    const { state } = this.view;
    if (state.text === "" && !state.ids) return this.questions.forEach((question) => question.ask(null));
    const rest = { top: NEXT_COUNT, kinds: true, value_norms: true, position: state.position ?? -1 };
    const request = { ...passOf(state), ...rest };
    const isEdited = state.edits.length > 0;
    if (!isEdited) this.looks[1] = null;
    this.questions[1].ask(isEdited ? request : null);
    this.questions[0].ask({ ...request, edits: [] });
    // An answer that was here already told so above; one without edits becomes what is shown.
    if (!isEdited && this.looks[0] && this.shown !== this.looks[0]) this.#show(this.looks[0]);
  }

  #take(isEdited, reply) {
    this.looks[Number(isEdited)] = new Look(reply);
    const hasEdits = this.view.state.edits.length > 0;
    const [base, edited] = this.looks;
    if (!hasEdits) return this.#show(base);
    // With edits both have to be about the same tokens.
    if (!base || !edited || !areSame(base, edited)) return;
    edited.base = base;
    this.#show(edited);
  }

  #show(look) {
    this.shown = look;
    this.onLook(look);
  }

  /** The calls whose answers are shown, for a saved page. */
  get calls() {
    return this.questions.map((question) => question.answered).filter(Boolean);
  }
}

function areSame(a, b) {
  return a.model.fingerprint === b.model.fingerprint && a.model.form === b.model.form &&
    a.next.position === b.next.position &&
    a.tokens.length === b.tokens.length && a.tokens.every((token, at) => token.id === b.tokens[at].id);
}
