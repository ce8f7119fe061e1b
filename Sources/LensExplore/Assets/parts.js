// Top contributions to a token's logit: what each head, MLP and embedding writes towards it.

import { make, signedText, tokenElement } from "../../LensReport/Assets/format.js";
import { Panel, barRow } from "./panel.js";
import { passOf } from "./view.js";

const PART_ROWS = 18;
const PART_NAMES = { embed: "token", pos_embed: "position", bias: "bias", rest: "edits" };

export class PartsPanel extends Panel {
  constructor(view, selection) {
    super("parts", "contributions");
    Object.assign(this, { view, selection });
    this.body.addEventListener("click", (event) => {
      const head = event.target.closest("[data-head]")?.dataset.head;
      if (!head) return;
      const index = Number(head);
      if (!(selection.isKept && selection.head === index)) selection.keepHead(index);
    });
  }

  update(look) {
    this.look = look;
    const { answer, wrong } = this.view.state;
    const token = answer ?? look.next.tokens[0].id;
    const against = wrong !== null && wrong !== token ? { wrong } : {};
    this.ask({ ...passOf(this.view.state), position: look.next.position, token, ...against });
  }

  draw(reply, { token, wrong }) {
    this.title.replaceChildren("Who writes ", tokenElement(this.look.token(token)),
      ...(wrong === undefined ? [""] : [" rather than ", tokenElement(this.look.token(wrong))]), "?");
    const sorted = [...reply.components].sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
    const shown = sorted.slice(0, PART_ROWS);
    const rest = sorted.slice(PART_ROWS);
    if (rest.length > 0) {
      shown.push({ name: `${rest.length} others`, value: rest.reduce((sum, { value }) => sum + value, 0) });
    }
    const reach = Math.max(...shown.map(({ value }) => Math.abs(value)));
    const rows = shown.map(({ name, layer, head, value }) => {
      const row = barRow(PART_NAMES[name] ?? name.replace("_mlp_out", " MLP").replace("_attn_out", " attention"), value, reach, signedText(value, null, 2));
      const index = Number.isInteger(head) ? this.look.indexOf(layer, head) : -1;
      if (index >= 0) row.dataset.head = index;
      return row;
    });
    const what = wrong === undefined ? "logit, centred over the vocabulary" : "logit difference";
    this.body.replaceChildren(make("ol", "bar-list", ...rows),
      make("p", "why-sum", make("b", "", signedText(reply.logit, null, 3)), ` is the sum, the ${what}`),
      make("p", "note", "Choose another token in the table above; “vs” sets one against it."));
  }
}
