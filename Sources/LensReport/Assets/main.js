// Puts the page together.

import { byID, make, percentText, signedText, tokenElement } from "./format.js";
import { Patterns } from "./patterns.js";
import { Selection } from "./selection.js";
import { HeadsView } from "./heads.js";
import { EffectsView } from "./effects.js";
import { MatrixView } from "./matrix.js";
import { TextView } from "./text.js";
import { Reading, drawLegend } from "./reading.js";
import { showProvenance } from "./foot.js";

const data = JSON.parse(byID("data").textContent);
const root = document.documentElement;
const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");
let chosenTheme = null;

applyTheme();
const patterns = new Patterns(data.patterns, data.tokens.length);
const selection = new Selection(data.tokens.length, firstHead(data.heads));
const views = {
  heads: new HeadsView(data.heads, patterns, selection),
  effects: new EffectsView(data.heads, data.ablation, selection),
  matrix: new MatrixView(selection),
  text: new TextView(selection),
  reading: new Reading(selection),
};
views.matrix.show(data.tokens, patterns);
views.text.show(data.tokens, patterns);
views.reading.show(data.tokens, patterns, data.perTokenLoss);
selection.subscribe(showHead);

showTitle();
showNext(data.top);
showHead();
showProvenance(data);
byID("page").hidden = false;
layout();
listen();

/** The head to begin with: the one whose ablation moves the loss most. */
function firstHead(heads) {
  const size = (head) => Math.abs(head.delta ?? 0);
  return heads.reduce((best, head, index) => (size(head) > size(heads[best]) ? index : best), 0);
}

function showTitle() {
  byID("title").append(make("bdi", "", data.title));
  const layers = new Set(data.heads.map((head) => head.layer)).size;
  byID("page").classList.toggle("is-deep", layers > 1);
  const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;
  const facts = [count(layers, "layer"), count(data.heads.length, "head"), count(data.tokens.length, "token")];
  if (data.loss !== null) facts.push(`loss ${data.loss.toFixed(4)}`);
  if (data.ablation) {
    const { kind, hook, prompts, baselineLoss } = data.ablation;
    const over = prompts > 1 ? ` over ${prompts} prompts, loss ${baselineLoss?.toFixed(4) ?? "none"}; patterns of the first` : "";
    facts.push(`${kind} ablation of ${hook}${over}`);
  }
  byID("subtitle").textContent = facts.join("  ·  ");
}

function showNext(top) {
  if (top.length === 0) return;
  const guesses = top.slice(0, 4).map(({ token, logprob }) => {
    return make("span", "guess", tokenElement(token), ` ${percentText(Math.exp(logprob))}`);
  });
  byID("next").append(make("span", "note", "next"), ...guesses);
}

function showHead() {
  const head = data.heads[selection.head];
  byID("stage").dataset.head = `L${head.layer}H${head.head}`;
  byID("head-name").textContent = `Layer ${head.layer}, head ${head.head}`;
  byID("head-kept").hidden = !selection.isKept;
  const facts = [];
  if (Number.isFinite(head.delta)) {
    facts.push(make("span", head.delta >= 0 ? "up" : "down", `Δloss ${signedText(head.delta, head.error)}`));
  }
  for (const kind of head.kinds ?? []) facts.push(make("span", "kind", `${kind.name} (${kind.score.toFixed(2)})`));
  byID("head-facts").replaceChildren(...facts);
  byID("matrix").setAttribute(
    "aria-label",
    `Layer ${head.layer}, head ${head.head}: ${data.tokens.length} by ${data.tokens.length} attention weights. ` +
      "Arrow keys move over the cells, Enter locks one, Escape lets go.",
  );
}

/** Fits everything to the window and draws it. */
function layout() {
  // A window may be laid out without any width (minimised, in a hidden frame); it comes back with a resize.
  if (byID("page").clientWidth < 200) return;
  drawLegend();
  views.effects.layout();
  const isWide = window.matchMedia("(min-width: 960px)").matches;
  views.heads.layout(isWide);
  selection.point(null);
  views.matrix.layout(isWide);
  views.heads.update(selection);
  views.effects.update(selection);
  views.text.update();
  views.reading.update();
}

function applyTheme() {
  const theme = chosenTheme ?? (prefersDark.matches ? "dark" : "light");
  root.dataset.theme = theme;
  byID("theme").textContent = theme === "dark" ? "Light" : "Dark";
  byID("theme").setAttribute("aria-label", `Switch to ${theme === "dark" ? "light" : "dark"} colours`);
}

function listen() {
  byID("theme").addEventListener("click", () => {
    chosenTheme = root.dataset.theme === "dark" ? "light" : "dark";
    applyTheme();
    layout();
  });
  prefersDark.addEventListener("change", () => {
    applyTheme();
    layout();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") selection.release();
  });
  let width = window.innerWidth;
  let height = window.innerHeight;
  window.addEventListener("resize", () => {
    if (width === window.innerWidth && height === window.innerHeight) return;
    [width, height] = [window.innerWidth, window.innerHeight];
    requestAnimationFrame(layout);
  });
  // Paper is white.
  let screenTheme = null;
  window.addEventListener("beforeprint", () => {
    screenTheme = chosenTheme;
    chosenTheme = "light";
    applyTheme();
    layout();
  });
  window.addEventListener("afterprint", () => {
    chosenTheme = screenTheme;
    applyTheme();
    layout();
  });
}
