// Numbers and small DOM pieces, as every part of the page writes them.

/** A weight in words: exact ones with four significant digits, rounded ones marked. */
export function weightText({ value, isExact }) {
  if (isExact) return value !== 0 && value < 1e-4 ? value.toExponential(2) : value.toPrecision(4);
  if (value === 0) return "< 0.00001";
  return `≈ ${value < 1e-3 ? value.toFixed(5) : value.toPrecision(2)}`;
}

/** A probability in per cent. */
export function percentText(probability) {
  const percent = probability * 100;
  return percent < 0.05 ? "< 0.1 %" : `${percent.toFixed(percent < 9.5 ? 1 : 0)} %`;
}

/** A difference with its sign, a true minus, and as many digits as its error deserves. */
export function signedText(value, error = null, digits = digitsFor(error > 0 ? error : Math.abs(value))) {
  if (value === null) return "unknown";
  const text = Math.abs(value).toFixed(digits);
  const sign = value < 0 && Number(text) !== 0 ? "−" : "+";
  return error === null ? sign + text : `${sign}${text} ± ${error.toFixed(digits)}`;
}

/** Decimal places that show two digits of a size. */
function digitsFor(size) {
  return size > 0 ? Math.min(6, Math.max(2, 1 - Math.floor(Math.log10(size)))) : 2;
}

/** An element with a class and children; strings become text, never markup. */
export function make(name, className = "", ...children) {
  const element = document.createElement(name);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

/** The same in SVG, with attributes. */
export function makeSVG(name, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** A token's visible text, isolated so that right-to-left letters leave their neighbours in place. */
export function tokenElement(token, className = "") {
  return make("bdi", `token-text ${className}`, token.text || "∅");
}

export const byID = (id) => document.getElementById(id);
