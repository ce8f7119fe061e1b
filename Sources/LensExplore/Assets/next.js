// The next-token table, with what the edits made of it. A row is the token that attribution and parts are about.

import { byID, make, percentText, tokenElement } from "../../LensReport/Assets/format.js";

const NEXT_ROWS = 8;

export class NextTable {
  constructor(view, selection) {
    Object.assign(this, { view, selection });
    byID("next-place").addEventListener("click", () => this.togglePlace());
    selection.subscribe(() => this.#offerPlace());
    this.body = byID("next").tBodies[0];
    this.body.addEventListener("click", (event) => this.#choose(event));
    view.subscribe((changed) => {
      if (changed.has("answer") || changed.has("wrong")) this.#mark();
    });
  }

  /** Predicts after the token that is locked, or after the last again. */
  togglePlace() {
    const place = this.#place;
    if (place !== undefined) this.view.set({ position: place });
  }

  /** Where the next prediction could be: a position, null for the last, undefined where there is no other. */
  get #place() {
    const destination = this.selection.locked?.destination ?? null;
    const { position } = this.view.state;
    if (destination !== null && destination !== position) return destination;
    return position === null ? undefined : null;
  }

  #offerPlace() {
    const place = this.#place;
    byID("next-place").hidden = place === undefined;
    byID("next-place").textContent = place === null ? "last token" : "locked token";
    byID("next-place").title = `Predict after the ${byID("next-place").textContent}`;
  }

  #choose(event) {
    const id = Number(event.target.closest("tr")?.dataset.id ?? NaN);
    if (!Number.isInteger(id)) return;
    const name = event.target.closest("[data-role]")?.dataset.role ?? "answer";
    this.view.set({ [name]: this.view.state[name] === id ? null : id });
  }

  /** Shows a look; with edits each token's probability without them stands beside. */
  show(look) {
    const position = look.next.position;
    const isLast = position === look.tokens.length - 1;
    byID("next-note").replaceChildren("after ", tokenElement(look.tokens[position]), isLast ? "" : ` (${position})`);
    const before = new Map(look.baseNext.map(({ id, logprob }) => [id, logprob]));
    const isEdited = before.size > 0;
    this.#head(isEdited);
    const rows = isEdited ? merged(look) : look.next.tokens;
    const most = Math.max(...rows.slice(0, NEXT_ROWS).flatMap(({ id, logprob }) => [logprob, before.get(id) ?? -Infinity]));
    this.body.replaceChildren(...rows.slice(0, NEXT_ROWS).map((token) => this.#row(token, before.get(token.id), most)));
    this.#offerPlace();
    this.#mark();
  }

  #head(isEdited) {
    const row = make("tr", "unseen-head");
    for (const name of ["token", "probability", ...(isEdited ? ["change"] : []), "choose"]) {
      const cell = make("th", "unseen", name);
      cell.scope = "col";
      row.append(cell);
    }
    byID("next").tHead.replaceChildren(row);
  }

  #row(token, before, most) {
    const bar = make("span", "bar-fill");
    bar.style.width = `${100 * Math.exp(token.logprob - most)}%`;
    const share = make("td", "share", bar);
    if (before !== undefined) {
      const ghost = make("span", "bar-ghost");
      ghost.style.left = `${100 * Math.exp(before - most)}%`;
      share.append(ghost);
    }
    const answer = make("button", "pick", tokenElement(token));
    answer.type = "button";
    answer.dataset.role = "answer";
    answer.title = "Ask about this token";
    const wrong = make("button", "pick versus", "vs");
    wrong.type = "button";
    wrong.dataset.role = "wrong";
    wrong.title = "Ask about the other against this token";
    const row = make("tr", "", make("td", "name", answer), share, make("td", "number", percentText(Math.exp(token.logprob))));
    if (before !== undefined) row.append(make("td", "number", changeElement(token.logprob, before)));
    row.append(make("td", "versus-cell", wrong));
    row.dataset.id = token.id;
    return row;
  }

  #mark() {
    const { answer, wrong } = this.view.state;
    for (const row of this.body.rows) {
      const id = Number(row.dataset.id);
      row.classList.toggle("is-answer", id === answer);
      row.classList.toggle("is-wrong", id === wrong);
      row.querySelector("[data-role=answer]").setAttribute("aria-pressed", String(id === answer));
      row.querySelector("[data-role=wrong]").setAttribute("aria-pressed", String(id === wrong));
    }
  }
}

/** The tokens that lead with or without the edits, by their probability with them. */
function merged(look) {
  const rows = new Map(look.next.tokens.map((token) => [token.id, token]));
  for (const token of look.baseNext) {
    if (!rows.has(token.id) && token.edited_logprob !== undefined) {
      rows.set(token.id, { ...token, logprob: token.edited_logprob });
    }
  }
  return [...rows.values()].sort((a, b) => b.logprob - a.logprob);
}

/** The change of a probability in percentage points. */
function changeElement(after, before) {
  const points = 100 * (Math.exp(after) - Math.exp(before));
  const text = `${points < 0 ? "−" : "+"}${Math.abs(points).toFixed(1)}`;
  return make("span", Math.abs(points) < 0.05 ? "" : points > 0 ? "up" : "down", text);
}
