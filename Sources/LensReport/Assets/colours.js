// Colours: one perceptual ramp for weights, whose lightness runs one way (readable by the colour-blind and in grey).

const LIGHT = ["#f0eee8", "#d5e8df", "#98cfc3", "#4fa3b1", "#2f6797", "#23265c"];
const DARK = ["#23272e", "#263a54", "#2b6690", "#3f9aac", "#93d2bf", "#f6fbef"];

export const isDark = () => document.documentElement.dataset.theme === "dark";

let cached = null;

/** The ramp as 256 colours for the codes 0...255, `[r, g, b]` each, end to end. */
export function ramp() {
  const dark = isDark();
  if (cached?.dark !== dark) cached = { dark, bytes: interpolate(dark ? DARK : LIGHT) };
  return cached.bytes;
}

function interpolate(stops) {
  const colours = stops.map((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)));
  const bytes = new Uint8ClampedArray(256 * 3);
  for (let code = 0; code < 256; code++) {
    const place = (code / 255) * (colours.length - 1);
    const left = Math.min(Math.floor(place), colours.length - 2);
    for (let channel = 0; channel < 3; channel++) {
      const [from, to] = [colours[left][channel], colours[left + 1][channel]];
      bytes[code * 3 + channel] = from + (to - from) * (place - left);
    }
  }
  return bytes;
}

/** A code's colour for CSS. */
export function rampColour(code) {
  const bytes = ramp();
  return `rgb(${bytes[code * 3]} ${bytes[code * 3 + 1]} ${bytes[code * 3 + 2]})`;
}

/** Whether text on a code's colour needs the ink of the other theme. */
export function needsOtherInk(code) {
  return code > 140;
}

/** A colour of the style sheet, for canvases. */
export function styleColour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
