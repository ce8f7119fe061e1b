// What the page was made from.

import { byID, make, tokenElement } from "./format.js";

/** Fills the foot: one row per fact, then the tokens with their ids. */
export function showProvenance({ provenance, tokens }) {
  for (const [name, value] of provenance) {
    const className = name === "Fingerprint" ? "code" : "";
    byID("provenance").append(make("dt", "", name), make("dd", className, make("bdi", "", value)));
  }
  const list = byID("token-list");
  list.open = tokens.length <= 200;
  const count = tokens.length === 1 ? "1 token with its id" : `${tokens.length} tokens with their ids`;
  list.querySelector("summary").textContent = count;
  for (const token of tokens) {
    byID("tokens").append(make("li", "", tokenElement(token), " ", make("span", "token-id", String(token.id))));
  }
}
