// Colours: ramps of perceptual lightness that the colour-blind can read. One runs one way, for weights; one runs two
// ways from the ground, for changes and signed values; one is warm, for losses over the text.

const RAMPS = {
  weight: {
    light: ["#f0eee8", "#d5e8df", "#98cfc3", "#4fa3b1", "#2f6797", "#23265c"],
    dark: ["#23272e", "#263a54", "#2b6690", "#3f9aac", "#93d2bf", "#f6fbef"],
  },
  change: {
    light: ["#3c2f7d", "#6a5cb0", "#a59cd3", "#d6d2e8", "#f0eee8", "#f3d9b9", "#e5a55e", "#c06614", "#7a3a05"],
    dark: ["#d5cdfb", "#a093e4", "#6e61b4", "#41396f", "#23272e", "#5e3c1b", "#a8621f", "#e6943f", "#ffd9a6"],
  },
  loss: {
    light: ["#fdfcfa", "#faedcf", "#f3d394", "#e5ab56", "#c9772e", "#8f4216"],
    dark: ["#1a1d22", "#37301f", "#5f4a20", "#946a24", "#cf9433", "#f8d27e"],
  },
};

export const isDark = () => document.documentElement.dataset.theme === "dark";

const cached = new Map();

/** A ramp as 256 colours for the codes 0...255, `[r, g, b]` each, end to end; 128 is nothing in a ramp of changes. */
export function ramp(name = "weight") {
  const theme = isDark() ? "dark" : "light";
  const key = `${name} ${theme}`;
  if (!cached.has(key)) cached.set(key, interpolate(RAMPS[name][theme], name === "change"));
  return cached.get(key);
}

function interpolate(stops, isSigned) {
  const colours = stops.map((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)));
  const bytes = new Uint8ClampedArray(256 * 3);
  for (let code = 0; code < 256; code++) {
    const share = isSigned ? Math.max(0, (code - 1) / 254) : code / 255;
    const place = share * (colours.length - 1);
    const left = Math.min(Math.floor(place), colours.length - 2);
    for (let channel = 0; channel < 3; channel++) {
      const [from, to] = [colours[left][channel], colours[left + 1][channel]];
      bytes[code * 3 + channel] = from + (to - from) * (place - left);
    }
  }
  return bytes;
}

/** A code's colour for CSS. */
export function rampColour(code, name = "weight") {
  const bytes = ramp(name);
  return `rgb(${bytes[code * 3]} ${bytes[code * 3 + 1]} ${bytes[code * 3 + 2]})`;
}

/** Whether text on a code's colour needs the ink of the other theme. */
export function needsOtherInk(code, name = "weight") {
  return name === "change" ? Math.abs(code - 128) > 84 : code > (name === "loss" ? 185 : 140);
}

/** A colour of the style sheet, for canvases. */
export function styleColour(name) {
  const key = `${name} ${isDark()}`;
  if (!styleColours.has(key)) {
    styleColours.set(key, getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim());
  }
  return styleColours.get(key);
}

/** Asking the style sheet again for every label would cost more than drawing it. */
const styleColours = new Map();
