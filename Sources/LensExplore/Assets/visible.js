// Text in which everything can be seen and nothing acts, as VisibleText.swift writes it.

const SPACES = new Map([[" ", "·"], ["\n", "↵"], ["\t", "⇥"]]);
const INVISIBLE = /[\p{C}\p{Z}\u{b7}\u{21b5}\u{21e5}]|[\p{Default_Ignorable_Code_Point}--[\u{fe0e}\u{fe0f}]]/v;

/** A token: space `·`, newline `↵`, tab `⇥`, everything else that cannot be seen as `\u{…}`. */
export function visibleToken(text) {
  const written = [...text].map((character) => {
    return SPACES.get(character) ?? (INVISIBLE.test(character) ? escaped(character) : character);
  });
  return (/^\p{M}/u.test(text) ? "◌" : "") + written.join("");
}

const escaped = (character) => `\\u{${character.codePointAt(0).toString(16)}}`;

/** Tokens of a reply with visible text; the text itself stays as `raw`. */
export const readTokens = (tokens) =>
  tokens.map((token) => ({ ...token, raw: token.text, text: visibleToken(token.text) }));
