// From codes to pixels: crisp where whole pixels per cell are possible, pooled where there are more cells than pixels.

import { ramp } from "./colours.js";

/**
 * How a triangle over `positions` fits into `available` device pixels: `bin` positions share one raster cell,
 * `side` is the picture's size in device pixels.
 */
export function fit(positions, available) {
  const bin = Math.max(1, Math.ceil(positions / Math.max(1, available)));
  const cells = Math.ceil(positions / bin);
  const whole = cells * Math.max(1, Math.floor(available / cells));
  // Uneven cells are uglier than a somewhat smaller picture, but only somewhat.
  const side = whole >= 0.8 * available ? whole : available;
  return { bin, cells, side, perPosition: side / cells / bin };
}

const scratch = document.createElement("canvas");
const enlarged = document.createElement("canvas");

/** Draws a head's triangle with its corner at (x, y) in device pixels. A pooled cell has its strongest colour. */
export function drawTriangle(context, patterns, head, fitted, x, y) {
  const { bin, cells, side } = fitted;
  const image = new ImageData(cells, cells);
  const colours = ramp(patterns.scheme);
  const codes = pooled(patterns, head, bin, cells);
  for (let row = 0; row < cells; row++) {
    for (let column = 0; column <= row; column++) {
      const at = (row * cells + column) * 4;
      const code = codes[row * cells + column] * 3;
      image.data[at] = colours[code];
      image.data[at + 1] = colours[code + 1];
      image.data[at + 2] = colours[code + 2];
      image.data[at + 3] = 255;
    }
  }
  scratch.width = scratch.height = cells;
  scratch.getContext("2d").putImageData(image, 0, 0);
  let picture = scratch;
  if (side % cells !== 0) {
    // Enlarge crisply beyond the size, then reduce smoothly: even cells with hardly soft edges.
    enlarged.width = enlarged.height = cells * Math.ceil(side / cells);
    const enlarging = enlarged.getContext("2d");
    enlarging.imageSmoothingEnabled = false;
    enlarging.drawImage(scratch, 0, 0, enlarged.width, enlarged.height);
    picture = enlarged;
  }
  context.imageSmoothingEnabled = picture === enlarged;
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, x, y, side, side);
}

/** One code per raster cell: the one furthest from nothing of those that share it. */
function pooled(patterns, head, bin, cells) {
  const triangle = patterns.codes(head);
  const nothing = patterns.scheme === "change" ? 128 : 0;
  const codes = new Uint8Array(cells * cells).fill(nothing);
  let at = 0;
  for (let destination = 0; destination < patterns.positions; destination++) {
    const row = Math.floor(destination / bin) * cells;
    for (let source = 0; source <= destination; source++, at++) {
      const cell = row + Math.floor(source / bin);
      if (Math.abs(triangle[at] - nothing) >= Math.abs(codes[cell] - nothing)) codes[cell] = triangle[at];
    }
  }
  return codes;
}

/** Sizes a canvas in CSS pixels at the screen's own resolution and gives its cleared context, in device pixels. */
export function prepare(canvas, width, height) {
  const scale = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  canvas.style.width = `${canvas.width / scale}px`;
  canvas.style.height = `${canvas.height / scale}px`;
  return canvas.getContext("2d");
}
