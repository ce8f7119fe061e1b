// Puts the page together: what is asked when something changes, and who shows the answer.

import { byID, make } from "../../LensReport/Assets/format.js";
import { MatrixView } from "../../LensReport/Assets/matrix.js";
import { MATRIX_HINT, Reading } from "../../LensReport/Assets/reading.js";
import { Selection } from "../../LensReport/Assets/selection.js";
import { TextView } from "../../LensReport/Assets/text.js";
import { isSaved, savePage, savedView } from "./api.js";
import { Attribution } from "./attribution.js";
import { cellsOf } from "./measures.js";
import { ComparePanel } from "./compare.js";
import { EditList, editedHeads } from "./edits.js";
import { LensPanel } from "./lens.js";
import { LinesView } from "./lines.js";
import { Looking } from "./looking.js";
import { Multiples } from "./multiples.js";
import { NeuronsPanel } from "./neurons.js";
import { NextTable } from "./next.js";
import { Notices, showStatus } from "./notices.js";
import { PartsPanel } from "./parts.js";
import { Prompt } from "./prompt.js";
import { startShortcuts } from "./shortcuts.js";
import { Stage } from "./stage.js";
import { HeadSweep } from "./sweep.js";
import { startTheme } from "./theme.js";
import { Tint } from "./tint.js";
import { View, fragmentOf, viewOf } from "./view.js";
import { WhyPanel } from "./why.js";

const LINES_HINT =
  "On the left are the tokens that look, on the right those that are looked at. Point at a token to see the weights; " +
  "click to lock it.";

const view = new View();
const selection = new Selection(0, 0);
const notices = new Notices();
let look = null;
let effects = null;

const prompt = new Prompt(view, notices);
const matrix = new MatrixView(selection);
const lines = new LinesView(selection);
const text = new TextView(selection);
const reading = new Reading(selection);
const stage = new Stage(view, selection);
const multiples = new Multiples(selection, { onAblate: (index) => stage.toggle(index) });
const next = new NextTable(view, selection);
const edits = new EditList(view);
const tint = new Tint(view, text);
const looking = new Looking(view, takeLook, (state) => {
  notices.tell("look", state);
  showStatus(null, state.isPending);
});
const attribution = new Attribution(view, drawCells, (state) => notices.tell("attribution", state));
const sweep = new HeadSweep(view, (found) => {
  effects = found;
  if (look) drawCells();
});
const panels = {
  why: new WhyPanel(view, selection),
  lens: new LensPanel(view, selection),
  parts: new PartsPanel(view, selection),
  neurons: new NeuronsPanel(view, (activations) => tint.point(activations)),
  compare: new ComparePanel(view, selection),
};

startTheme(redraw);
startShortcuts(view, selection, { redraw, save, toggle: (head) => stage.toggle(head), place: () => next.togglePlace(), headCount: () => look?.heads.length ?? 0 });
view.subscribe(onView);
selection.subscribe(onSelection);
byID("panels").addEventListener("click", (event) => choosePanel(event.target.dataset.panel));
byID("panels").addEventListener("keydown", stepPanel);
byID("save").addEventListener("click", save);
byID("save").hidden = isSaved;
window.addEventListener("resize", () => requestAnimationFrame(layout));
window.addEventListener("hashchange", () => {
  if (location.hash.slice(1) !== fragmentOf(view.state)) view.set(viewOf(location.hash));
});
start();

/** What the address says counts; then what the command line said. */
async function start() {
  markPanels();
  const given = isSaved ? { ...savedView } : location.hash.length > 1 ? viewOf(location.hash) : {};
  const first = await prompt.start();
  if (!given.text && !given.ids) Object.assign(given, { ...first, ...given, text: first.text, ids: first.ids });
  edits.setLayers(prompt.layersOf(given.model ?? ""));
  view.set(given);
  edits.update();
}

function takeLook(found) {
  const isFirst = look === null;
  look = found;
  byID("page").classList.toggle("is-deep", look.model.n_layers > 1);
  selection.resize(look.tokens.length, look.heads.length);
  if (isFirst) restoreSelection();
  prompt.show(look);
  next.show(look);
  tint.show(look);
  drawCells();
  attribution.update(look);
  sweep.update(look, prompt.parametersOf(view.state.model));
  askPanel();
  requestAnimationFrame(() => (document.documentElement.dataset.painted = performance.now().toFixed(1)));
}

/** The cells that the view asks for go to everybody who draws them. */
function drawCells() {
  const cells = cellsOf(look, view.state, attribution.cells);
  const losses = Array.from(look.tokenLoss);
  matrix.show(look.tokens, cells);
  lines.show(look.tokens, cells);
  reading.show(look.tokens, cells, losses);
  if (text.tokens !== look.tokens) text.show((text.tokens = look.tokens), cells);
  else text.patterns = cells;
  multiples.show(look.heads, cellsOf(look, { ...view.state, across: "one" }, attribution.cells), effects, editedHeads(view.state.edits, look.heads));
  stage.show(look.heads, effects, cells);
  layout();
}

/** Fits everything to the window and draws it. */
function layout() {
  if (!look || byID("page").clientWidth < 200) return;
  const isWide = window.matchMedia("(min-width: 960px)").matches;
  const isLines = view.state.picture === "lines";
  byID("matrix").hidden = isLines;
  byID("lines-box").hidden = !isLines;
  multiples.layout();
  stage.drawLegend();
  const box = byID("matrix-box");
  const top = box.getBoundingClientRect().top + (isWide ? byID("stage").scrollTop : 0);
  const room = isWide ? Math.max(240, window.innerHeight - top - 26) : box.clientWidth;
  box.classList.toggle("is-lines", isLines);
  if (isLines) lines.layout(Math.max(280, box.clientWidth - (isWide ? 210 : 12)), room);
  else matrix.layout(isWide, room - 24);
  text.update();
  reading.hint = isLines ? LINES_HINT : MATRIX_HINT;
  reading.update();
}

function redraw() {
  if (!look) return;
  tint.drawLegend();
  layout();
  for (const panel of Object.values(panels)) if (!panel.section.hidden) panel.redraw();
}

function onView(changed) {
  const has = (...names) => names.some((name) => changed.has(name));
  if (has("model")) edits.setLayers(prompt.layersOf(view.state.model));
  if (has("model", "text", "ids", "bos", "edits", "position")) looking.update();
  if (has("head", "cell")) restoreSelection();
  if (look && has("measure", "change", "across", "answer", "wrong")) {
    attribution.update(look);
    drawCells();
  }
  if (look && has("picture")) layout();
  if (look && has("tint")) tint.show(look);
  if (has("panel")) markPanels();
  if (look && has("panel", "answer", "wrong", "neuron", "other")) askPanel();
  keepAddress();
}

function onSelection() {
  const head = look?.heads[selection.head];
  const { locked } = selection;
  const side = (position) => position ?? "";
  const cell = locked ? `${side(locked.destination)}.${side(locked.source)}` : "";
  if (!head) return;
  const isNew = view.state.head !== `${head.layer}.${head.head}` || view.state.cell !== cell;
  if (selection.isKept || locked || !isNew) view.state.head = `${head.layer}.${head.head}`;
  view.state.cell = cell;
  if (isNew) {
    if (view.state.panel === "why") panels.why.update(look);
    keepAddress();
  }
}

/** Head and cell as the address has them. */
function restoreSelection() {
  if (!look) return;
  const [layer, head] = view.state.head.split(".").map(Number);
  const index = look.indexOf(layer, head);
  const isGiven = view.state.head !== "" && index >= 0;
  selection.head = isGiven ? index : firstHead();
  selection.isKept = isGiven;
  const [destination, source] = view.state.cell.split(".").map((part) => (part ? Number(part) : null));
  const fits = [destination, source].every((at) => at === null || (Number.isInteger(at) && at >= 0 && at < look.tokens.length));
  const isPossible = view.state.cell !== "" && fits && (destination === null || source === null || source <= destination);
  selection.restore(isPossible ? { destination, source } : null);
}

/** The head to begin with: the one that is most clearly of a kind. */
function firstHead() {
  const score = (head) => head.kinds?.[0]?.score ?? 0;
  return look.heads.reduce((best, head, index) => (score(head) > score(look.heads[best]) ? index : best), 0);
}

function choosePanel(panel) {
  if (panel) view.set({ panel });
}

function stepPanel(event) {
  const tabs = [...byID("panels").children];
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!step) return;
  const at = (tabs.indexOf(event.target) + step + tabs.length) % tabs.length;
  choosePanel(tabs[at].dataset.panel);
  tabs[at].focus();
}

function markPanels() {
  for (const tab of byID("panels").children) {
    const isShown = tab.dataset.panel === view.state.panel;
    tab.setAttribute("aria-selected", String(isShown));
    tab.tabIndex = isShown ? 0 : -1;
    byID(`panel-${tab.dataset.panel}`).hidden = !isShown;
  }
  tint.point(null);
}

function askPanel() {
  panels[view.state.panel].update(look);
}

function keepAddress() {
  if (isSaved) return;
  const fragment = fragmentOf(view.state);
  history.replaceState(null, "", fragment ? `#${fragment}` : location.pathname);
}

/** One HTML file with what is shown and the answers that it is made of. */
async function save() {
  if (!look || isSaved) return;
  const calls = [...prompt.calls, ...looking.calls, ...attribution.calls,
    ...[sweep.question.answered].filter(Boolean), ...Object.values(panels).flatMap((panel) => panel.calls)];
  showStatus(null, true);
  try {
    const file = await savePage(view.state.text.slice(0, 80), view.state, calls);
    const link = make("a");
    link.href = URL.createObjectURL(file);
    link.download = "lensd-explore.html";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    notices.tell("save", {});
  } catch (error) {
    notices.tell("save", { error });
  }
  showStatus(null, false);
}
