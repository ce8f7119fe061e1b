// Why a head attends where it does: its score for a cell, split into what the query and the key are made of.

import { make, signedText, tokenElement } from "../../LensReport/Assets/format.js";
import { needsOtherInk, rampColour } from "../../LensReport/Assets/colours.js";
import { isCell } from "../../LensReport/Assets/selection.js";
import { readArray } from "./arrays.js";
import { Panel, barRow, choice, partName } from "./panel.js";
import { passOf } from "./view.js";

/** Up to so many parts make a table that can be read; more are told by their largest pairs. */
const TABLE_PARTS = 6;
const PAIRS = 12;

export class WhyPanel extends Panel {
  constructor(view, selection) {
    super("why", "why");
    Object.assign(this, { view, selection, detail: "groups", isRelative: false });
    this.choices = make("div", "panel-choices");
    this.choices.append(
      choice("Score", [["false", "the score"], ["true", "against the row’s mean"]], (value) => {
        this.isRelative = value === "true";
        this.update();
      }),
      (this.details = choice("Parts", [["groups", "groups"], ["layers", "layers"], ["components", "heads"]], (value) => {
        this.detail = value;
        this.update();
      })),
    );
    this.section.insertBefore(this.choices, this.message);
  }

  /** Asks for the locked cell's split. */
  update(look = this.look) {
    this.look = look;
    const cell = this.selection.locked;
    const head = look?.heads[this.selection.head];
    const isMeant = head && isCell(cell);
    this.details.hidden = !head || head.layer === 0;
    this.choices.hidden = !isMeant;
    const detail = head?.layer === 0 ? "groups" : this.detail;
    this.ask(
      isMeant
        ? { ...passOf(this.view.state), layer: head.layer, head: head.head, ...cell, detail, relative: this.isRelative }
        : null,
      "Click a cell of the matrix: its score is split exactly into what the query and the key are made of – " +
        "token against token, token against position, and by earlier layers.",
    );
  }

  draw(reply, { destination, source, layer, head }) {
    const { values } = readArray(reply.terms);
    const names = reply.components.map(partName);
    const { tokens } = this.look;
    this.title.replaceChildren(
      `Why does L${layer}H${head} look from `, tokenElement(tokens[destination], "as-destination"), " at ",
      tokenElement(tokens[source], "as-source"), "?");
    this.body.replaceChildren(
      names.length <= TABLE_PARTS ? splitTable(names, values) : pairList(names, values),
      make("p", "why-sum", ...sumOf(values, reply)),
      make("p", "note", notesOf(reply).join("; ")),
    );
  }
}

/** The terms' sum, and what makes the score of it where something does. */
function sumOf(values, reply) {
  const sum = values.reduce((total, value) => total + value, 0);
  const shown = [make("b", "", signedText(sum, null, 3)), " is the sum"];
  if (reply.position_bias === null && reply.soft_cap === null) {
    return [...shown, reply.relative ? ", above the mean of what the row sees" : ", the score before softmax"];
  }
  if (reply.soft_cap !== null) shown.push(`, capped at ±${reply.soft_cap}`);
  if (reply.position_bias !== null) shown.push(`; the distance adds ${signedText(reply.position_bias, null, 3)} (ALiBi)`);
  return [...shown, ": ", make("b", "", signedText(reply.score, null, 3)), reply.relative ? " above the row’s mean" : " before softmax"];
}

function notesOf(reply) {
  const notes = [`attention weight ${Number(reply.weight.toPrecision(4))}`];
  if (!reply.relative) notes.push("only differences along a row matter to it");
  if (reply.rotary) notes.push("positions turn queries and keys here: they are in every term");
  return notes;
}

/** The split as a table: what the query is made of down, the key across, sums at the edges. */
function splitTable(names, values) {
  const count = names.length;
  const at = (row, column) => values[row * count + column];
  const reach = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const head = make("tr", "", make("th", "corner-cell", "query ↓  key →"), ...names.map((name) => heading(name, "col")), heading("sum", "col"));
  const rows = names.map((name, row) => {
    const cells = names.map((_, column) => valueCell(at(row, column), reach));
    const total = names.reduce((sum, _, column) => sum + at(row, column), 0);
    return make("tr", "", heading(name, "row"), ...cells, make("td", "total", signedText(total, null, 2)));
  });
  const sums = names.map((_, column) => names.reduce((sum, __, row) => sum + at(row, column), 0));
  const last = make("tr", "totals", heading("sum", "row"),
    ...sums.map((sum) => make("td", "total", signedText(sum, null, 2))),
    make("td", "total grand", signedText(sums.reduce((a, b) => a + b, 0), null, 2)));
  return make("table", "split", make("thead", "", head), make("tbody", "", ...rows, last));
}

function heading(text, scope) {
  const cell = make("th", "", text);
  cell.scope = scope;
  return cell;
}

function valueCell(value, reach) {
  const cell = make("td", "value", signedText(value, null, 2));
  const share = reach > 0 ? Math.abs(value) / reach : 0;
  const code = 128 + Math.round(Math.sign(value) * 110 * share);
  cell.style.backgroundColor = rampColour(code, "change");
  cell.classList.toggle("is-inverse", needsOtherInk(code, "change"));
  cell.dataset.value = value;
  return cell;
}

/** The largest pairs, and what is left of them. */
function pairList(names, values) {
  const pairs = Array.from(values, (value, at) => ({
    name: `${names[Math.floor(at / names.length)]} × ${names[at % names.length]}`,
    value,
  })).sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  const rest = pairs.slice(PAIRS).reduce((sum, { value }) => sum + value, 0);
  const shown = [...pairs.slice(0, PAIRS), { name: `${Math.max(0, pairs.length - PAIRS)} others`, value: rest }];
  const reach = Math.max(...shown.map(({ value }) => Math.abs(value)));
  return make("ol", "bar-list", ...shown.map(({ name, value }) => barRow(name, value, reach, signedText(value, null, 2))));
}
