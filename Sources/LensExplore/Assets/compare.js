// Two prompts side by side: what patching each part from the other one does to the difference of two tokens' logits.

import { make, signedText, tokenElement } from "../../LensReport/Assets/format.js";
import { readArray } from "./arrays.js";
import { Panel } from "./panel.js";
import { passOf } from "./view.js";
import { readTokens, visibleToken } from "./visible.js";

const NODE_ROWS = 14;

export class ComparePanel extends Panel {
  constructor(view, selection) {
    super("compare", "compare", { delay: 300 });
    Object.assign(this, { view, selection });
    this.input = make("textarea", "other");
    Object.assign(this.input, { rows: 2, spellcheck: false, placeholder: "Another prompt, best of as many tokens" });
    this.input.setAttribute("aria-label", "Prompt to compare with");
    this.input.addEventListener("input", () => view.set({ other: this.input.value }));
    this.section.insertBefore(this.input, this.message);
    this.body.addEventListener("click", (event) => {
      const index = Number(event.target.closest("[data-head]")?.dataset.head ?? NaN);
      if (Number.isInteger(index) && !(selection.isKept && selection.head === index)) selection.keepHead(index);
    });
  }

  update(look) {
    this.look = look;
    const { model, text, bos, other, answer, wrong } = this.view.state;
    const { prompt } = passOf(this.view.state);
    if (document.activeElement !== this.input) this.input.value = other;
    const leading = look.next.tokens.map(({ id }) => id);
    const token = answer ?? leading[0];
    const against = wrong !== null && wrong !== token ? wrong : leading.find((id) => id !== token);
    const isMeant = other !== "" && other !== text;
    this.ask(
      isMeant
        ? { model, prompt, other: { text: other, prepend_bos: bos }, token, wrong: against, position: -1 }
        : null,
      "Which parts make the difference? Each head and MLP is given what it has on the other prompt; " +
        "the table shows how that moves the logit difference of the two tokens chosen above, in all and on the direct path.",
    );
  }

  draw(reply, { token, wrong }) {
    this.title.replaceChildren("Logit of ", tokenElement(this.look.token(token)), " less that of ", tokenElement(this.look.token(wrong)));
    const nodes = nodesOf(reply, this.look);
    const reach = Math.max(1e-9, ...nodes.flatMap(({ total, direct }) => [Math.abs(total), Math.abs(direct)]));
    const head = make("tr", "", ...["", "in all", "directly"].map((name, at) => {
      const cell = make("th", "", name);
      cell.colSpan = at === 0 ? 1 : 2;
      return cell;
    }));
    const rows = nodes.slice(0, NODE_ROWS).map((node) => {
      const row = make("tr", "", make("th", "", node.name),
        make("td", "number", signedText(node.total, null, 2)), trackCell(node.total, reach),
        make("td", "number", signedText(node.direct, null, 2)), trackCell(node.direct, reach));
      if (node.index >= 0) row.dataset.head = node.index;
      return row;
    });
    this.body.replaceChildren(
      tokenLine("this", readTokens(reply.tokens), readTokens(reply.other_tokens), reply.clean),
      tokenLine("other", readTokens(reply.other_tokens), readTokens(reply.tokens), reply.other),
      make("table", "nodes", make("thead", "", head), make("tbody", "", ...rows)),
      make("p", "note", reply.positions === "all" ? "Patched at all positions." : "The prompts differ in length: patched at the last position."),
    );
  }
}

function nodesOf(reply, look) {
  const [total, direct] = [readArray(reply.heads.total).values, readArray(reply.heads.direct).values];
  const nodes = look.heads.map(({ layer, head }, index) => ({
    name: `L${layer}H${head}`, index, total: total[index], direct: direct[index],
  }));
  if (reply.mlps) {
    const [all, straight] = [readArray(reply.mlps.total).values, readArray(reply.mlps.direct).values];
    all.forEach((value, layer) => nodes.push({ name: `MLP ${layer}`, index: -1, total: value, direct: straight[layer] }));
  }
  return nodes.sort((a, b) => Math.abs(b.total) - Math.abs(a.total));
}

/** A prompt's tokens, those marked that the other has not at their place, and its logit difference. */
function tokenLine(name, tokens, others, difference) {
  const line = make("p", "compared", make("span", "note", name));
  for (const [at, token] of tokens.entries()) {
    line.append(make("bdi", token.id === others[at]?.id ? "token-text" : "token-text differs", visibleToken(token.raw)));
  }
  line.append(make("b", "number", signedText(difference, null, 2)));
  return line;
}

function trackCell(value, reach) {
  const fill = make("span", value < 0 ? "fill down-fill" : "fill up-fill");
  const share = (Math.abs(value) / reach) * 50;
  fill.style.width = `${share}%`;
  fill.style.left = value < 0 ? `${50 - share}%` : "50%";
  return make("td", "track-cell", make("span", "bar-track", fill));
}
