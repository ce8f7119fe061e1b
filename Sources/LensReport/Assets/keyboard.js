// Arrow keys among elements that are laid out in lines.

const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * Makes a list of elements one stop of the Tab key, with the arrow keys, Home and End moving inside it. `elementsOf`
 * gives the list as it is now; `onFocus` and `onEnter` get the element's index. Returns what is called with the index
 * to begin at after the list was made anew.
 */
export function roving(container, elementsOf, { start = 0, onFocus, onEnter }) {
  const begin = (at) => elementsOf().forEach((element, index) => (element.tabIndex = index === at ? 0 : -1));
  const indexOf = (target) => elementsOf().indexOf(target.closest("[role=option]"));
  begin(start);
  container.addEventListener("focusin", (event) => {
    const index = indexOf(event.target);
    if (index < 0) return;
    const elements = elementsOf();
    for (const element of elements) if (element.tabIndex === 0) element.tabIndex = -1;
    elements[index].tabIndex = 0;
    if (elements[index].matches(":focus-visible")) onFocus(index);
  });
  container.addEventListener("keydown", (event) => {
    const elements = elementsOf();
    const index = indexOf(event.target);
    if (index < 0 || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "Enter" || event.key === " ") {
      onEnter(index);
    } else {
      const next = neighbour(elements, index, event.key);
      if (next === null) return;
      elements[next].focus();
      elements[next].scrollIntoView({ block: "nearest" });
    }
    event.preventDefault();
  });
  return begin;
}

/** The element that a key leads to, or null for keys that lead nowhere. */
function neighbour(elements, index, key) {
  if (key === "Home") return 0;
  if (key === "End") return elements.length - 1;
  if (key === "ArrowLeft") return Math.max(0, index - 1);
  if (key === "ArrowRight") return Math.min(elements.length - 1, index + 1);
  return key === "ArrowUp" || key === "ArrowDown" ? inNextLine(elements, index, STEPS[key][1]) : null;
}

/** The nearest element in the line above or below: lines are told apart by their tops. */
function inNextLine(elements, index, step) {
  const { left, top, width, height } = elements[index].getBoundingClientRect();
  const centre = left + width / 2;
  let best = index;
  let line = null;
  let distance = Infinity;
  for (let at = index + step; at >= 0 && at < elements.length; at += step) {
    const box = elements[at].getBoundingClientRect();
    if (Math.abs(box.top - top) < height / 2) continue;
    line ??= box.top;
    if (Math.abs(box.top - line) >= height / 2) break;
    const away = Math.abs(box.left + box.width / 2 - centre);
    if (away < distance) [best, distance] = [at, away];
  }
  return best;
}

/** The step of an arrow key as [columns, rows], or null. */
export const arrowStep = (key) => STEPS[key] ?? null;
