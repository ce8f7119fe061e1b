// The logit lens: what the model would predict from each stage of the residual stream.

import { make, percentText, tokenElement } from "../../LensReport/Assets/format.js";
import { needsOtherInk, rampColour } from "../../LensReport/Assets/colours.js";
import { readArray } from "./arrays.js";
import { Panel } from "./panel.js";
import { rampLegend } from "./tint.js";
import { visibleToken } from "./visible.js";
import { passOf } from "./view.js";

const GUESSES = 3;

export class LensPanel extends Panel {
  constructor(view, selection) {
    super("lens", "lens");
    Object.assign(this, { view, selection });
    selection.subscribe(() => this.#show());
  }

  update(look) {
    this.look = look;
    this.ask({ ...passOf(this.view.state), top: GUESSES });
  }

  draw(reply) {
    this.lens = {
      reply,
      ids: readArray(reply.top_ids),
      logprobs: readArray(reply.top_logprobs).values,
      target: readArray(reply.target_logprob).values,
    };
    this.#show();
  }

  /** The position whose predictions are shown: the one looked at, or the one that the next token follows. */
  get #position() {
    const { target } = this.selection;
    return target?.destination ?? target?.source ?? this.look.next.position;
  }

  #show() {
    if (!this.lens || this.section.hidden || !this.question.answered) return;
    const { reply, ids, logprobs, target } = this.lens;
    const [, positions, count] = ids.shape;
    if (positions !== this.look.tokens.length) return;
    const position = this.#position;
    const next = this.look.tokens[position + 1];
    this.title.replaceChildren("After ", tokenElement(this.look.tokens[position]), ` (${position})`,
      ...(next ? [", where ", tokenElement(next), " follows"] : [""]));
    const rows = reply.stages.map((stage, index) => {
      const cells = Array.from({ length: Math.min(count, GUESSES) }, (_, rank) => {
        const at = (index * positions + position) * count + rank;
        const id = ids.values[at];
        return guessCell(reply.texts[id] ?? `#${id}`, logprobs[at], id === next?.id);
      });
      const known = next ? [make("td", "number", percentText(Math.exp(target[index * (positions - 1) + position])))] : [];
      const name = make("th", "", stageName(stage));
      name.scope = "row";
      return make("tr", "", name, ...cells, ...known);
    });
    const names = ["stage", "predicts", ...Array(Math.min(count, GUESSES) - 1).fill(""), ...(next ? ["true"] : [])];
    const head = make("tr", "", ...names.map((name) => make("th", "", name)));
    this.body.replaceChildren(make("table", "lens", make("thead", "", head), make("tbody", "", ...rows)),
      make("p", "tint-legend lens-legend", make("span", "note", "probability"), ...rampLegend("0", "100 %")));
  }
}

function guessCell(text, logprob, isTrue) {
  const code = Math.round(255 * Math.sqrt(Math.exp(logprob)));
  const cell = make("td", isTrue ? "guess-cell is-true" : "guess-cell", make("bdi", "token-text", visibleToken(text)));
  cell.style.backgroundColor = rampColour(code);
  cell.classList.toggle("is-inverse", needsOtherInk(code));
  cell.title = percentText(Math.exp(logprob));
  return cell;
}

/** "blocks.3.hook_resid_pre" and "3_pre" as people say them. */
function stageName(stage) {
  const match = /^(?:blocks\.)?(\d+)[._](?:hook_)?(?:resid_)?(pre|mid|post)$/.exec(stage);
  if (!match) return stage.replace("final_post", "end");
  return { pre: `before ${match[1]}`, mid: `within ${match[1]}`, post: `after ${match[1]}` }[match[2]];
}
