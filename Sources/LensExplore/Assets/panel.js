// What the analyses beside the heads have in common: shown one at a time, asked only while shown, honest when empty.

import { byID, make } from "../../LensReport/Assets/format.js";
import { Question } from "./question.js";

export class Panel {
  /** `name` is that of the tab, `method` of the call whose answer it shows. */
  constructor(name, method, options = {}) {
    this.name = name;
    this.section = byID(`panel-${name}`);
    this.title = make("p", "panel-title");
    this.body = make("div", "panel-body");
    this.message = make("p", "hint");
    this.section.append(this.title, this.message, this.body);
    this.question = new Question(method, {
      delay: 60,
      onReply: (reply, request) => this.#take(reply, request),
      onState: (state) => this.#tell(state),
      ...options,
    });
  }

  /** Asks for what the panel is to show; a hint (text) instead where something has to be chosen first. */
  ask(request, hint = "") {
    this.hint = request === null ? hint : "";
    if (request === null) {
      this.body.replaceChildren();
      this.title.replaceChildren();
    }
    this.question.ask(request);
    if (request === null) this.#tell({ isPending: false });
  }

  #take(reply, request) {
    this.drawn = [reply, request];
    this.title.replaceChildren();
    this.draw(reply, request);
  }

  /** Draws the last answer again, in other colours. */
  redraw() {
    if (this.question.answered && this.drawn) this.draw(...this.drawn);
  }

  #tell({ isPending, error, progress }) {
    this.section.classList.toggle("is-pending", isPending);
    this.section.setAttribute("aria-busy", String(isPending));
    const share = progress ? ` ${progress.done} of ${progress.total}` : "";
    const isMissing = error?.code === "UNIMPLEMENTED";
    if (error) this.body.replaceChildren();
    const text = isMissing ? "This lensd does not offer it." : error?.message ?? (isPending ? share && `…${share}` : this.hint);
    this.message.textContent = text;
    this.message.hidden = text === "";
  }

  /** The call whose answer is shown, for a saved page. */
  get calls() {
    return this.question.answered ? [this.question.answered] : [];
  }
}

const PART_NAMES = {
  embed: "token", pos_embed: "position", attn_out: "attention", mlp_out: "MLPs", bias: "bias", rest: "edits",
};
const PART_KINDS = { mlp_out: "MLP", attn_out: "attention", attn_bias: "attention bias" };

/** What is written into the residual stream, as people say it: "MLP 3" of "3_mlp_out". */
export function partName(name) {
  const [, layer, kind] = /^(\d+)_(\w+)$/.exec(name) ?? [];
  return PART_NAMES[name] ?? (kind in PART_KINDS ? `${PART_KINDS[kind]} ${layer}` : name);
}

/** A row of a list of signed bars: a name, a bar from the middle whose length is `value / reach`, the value in words. */
export function barRow(name, value, reach, text) {
  const fill = make("span", value < 0 ? "fill down-fill" : "fill up-fill");
  const share = reach > 0 ? Math.min(1, Math.abs(value) / reach) * 50 : 0;
  fill.style.width = `${share}%`;
  fill.style.left = value < 0 ? `${50 - share}%` : "50%";
  return make("li", "bar-row", make("span", "bar-name", name), make("span", "bar-track", fill), make("span", "number", text));
}

/** A group of buttons of which one is chosen, the first to begin with: `options` are pairs of a value and its words. */
export function choice(label, options, onChoose) {
  const group = make("div", "choice");
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", label);
  for (const [index, [value, text]] of options.entries()) {
    const button = make("button", "", text);
    button.type = "button";
    button.setAttribute("aria-pressed", String(index === 0));
    button.addEventListener("click", () => {
      for (const other of group.children) other.setAttribute("aria-pressed", String(other === button));
      onChoose(value);
    });
    group.append(button);
  }
  return group;
}
