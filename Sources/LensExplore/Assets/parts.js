// Top contributions to a token's logit: what each head, MLP and embedding writes towards it.

import { make, signedText, tokenElement } from "../../LensReport/Assets/format.js";
import { Panel, barRow, choice, partName } from "./panel.js";
import { passOf } from "./view.js";

const PART_ROWS = 18;

export class PartsPanel extends Panel {
  constructor(view, selection) {
    super("parts", "contributions");
    Object.assign(this, { view, selection, detail: "heads" });
    const details = [["heads", "heads"], ["layers", "layers"], ["neurons", "neurons"]];
    this.choices = make("div", "panel-choices", choice("Parts", details, (value) => {
      this.detail = value;
      this.update();
    }));
    this.section.insertBefore(this.choices, this.message);
    this.body.addEventListener("click", (event) => {
      const { head, neuron } = event.target.closest(".bar-row")?.dataset ?? {};
      if (neuron) return view.set({ panel: "neurons", neuron });
      const index = Number(head ?? NaN);
      if (Number.isInteger(index) && !(selection.isKept && selection.head === index)) selection.keepHead(index);
    });
  }

  update(look = this.look) {
    this.look = look;
    const { answer, wrong } = this.view.state;
    const token = answer ?? look.next.tokens[0].id;
    const against = wrong !== null && wrong !== token ? { wrong } : {};
    this.ask({ ...passOf(this.view.state), position: look.next.position, token, ...against, detail: this.detail, top: PART_ROWS });
  }

  draw(reply, { token, wrong }) {
    this.title.replaceChildren("Who writes ", tokenElement(this.look.token(token)),
      ...(wrong === undefined ? [""] : [" rather than ", tokenElement(this.look.token(wrong))]), "?");
    const shown = this.detail === "neurons" ? neuronParts(reply) : strongestParts(reply);
    const reach = Math.max(...shown.map(({ value }) => Math.abs(value)));
    const rows = shown.map(({ name, layer, head, neuron, value }) => {
      const row = barRow(name, value, reach, signedText(value, null, 2));
      row.dataset.value = value;
      const index = Number.isInteger(head) ? this.look.indexOf(layer, head) : -1;
      if (index >= 0) row.dataset.head = index;
      if (neuron !== undefined) row.dataset.neuron = `${layer}.${neuron}`;
      return row;
    });
    const what = wrong === undefined ? "logit" : "logit difference";
    this.body.replaceChildren(make("ol", "bar-list", ...rows),
      make("p", "why-sum", make("b", "", signedText(reply.total, null, 3)), ` is the sum, the ${what}`),
      make("p", "note", "Choose another token in the table above; “vs” sets one against it."));
  }
}

/** The parts that count most, and what is left of them. */
function strongestParts({ parts }) {
  const sorted = parts.map((part) => ({ ...part, name: partName(part.name) }))
    .sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  const rest = sorted.slice(PART_ROWS);
  if (rest.length === 0) return sorted;
  const sum = rest.reduce((total, { value }) => total + value, 0);
  return [...sorted.slice(0, PART_ROWS), { name: `${rest.length} others`, value: sum }];
}

/** The neurons that count most, and everything else that writes towards the token. */
function neuronParts({ neurons, total }) {
  const shown = neurons.map((part) => ({ ...part, name: `L${part.layer} neuron ${part.neuron}` }));
  const sum = shown.reduce((all, { value }) => all + value, 0);
  return [...shown, { name: "everything else", value: total - sum }];
}
