// The attention patterns, unpacked from what CausalPacking.swift wrote.

import { weightText } from "./format.js";

/**
 * Patterns of all heads: lower triangles in 8-bit codes, and the strongest sources of each row exactly. The views take
 * anything of this form: `positions`, `scheme` (a ramp of colours.js), `codes`, `code`, `weight`, `text`, `top`,
 * `topReaders`.
 */
export class Patterns {
  constructor({ topCount, sourceBytes, triangles, topSources, topWeights }, positions) {
    this.positions = positions;
    this.scheme = "weight";
    this.topCount = topCount;
    this.triangles = decode(triangles);
    const sources = decode(topSources);
    this.topSources = sourceBytes === 1 ? sources : new Uint16Array(sources.buffer);
    this.topWeights = new Float32Array(decode(topWeights).buffer);
    this.triangleSize = triangleNumber(positions);
    this.topSize = this.topStart(positions);
  }

  /** A head's lower triangle, row by row, in codes. */
  codes(head) {
    return this.triangles.subarray(head * this.triangleSize, (head + 1) * this.triangleSize);
  }

  /** The code of a cell, 0...255; its weight is about (code / 255)². */
  code(head, destination, source) {
    return this.triangles[head * this.triangleSize + triangleNumber(destination) + source];
  }

  /** A cell's weight: exact where it is among the strongest of its row. */
  weight(head, destination, source) {
    const found = this.top(head, destination).find((entry) => entry.source === source);
    if (found) return found.weight;
    return { value: (this.code(head, destination, source) / 255) ** 2, isExact: false };
  }

  /** A weight as the page writes it. */
  text(weight) {
    return weightText(weight);
  }

  /** The strongest sources of a row, strongest first. */
  top(head, destination) {
    const start = head * this.topSize + this.topStart(destination);
    return Array.from({ length: Math.min(this.topCount, destination + 1) }, (_, index) => ({
      source: this.topSources[start + index],
      weight: { value: this.topWeights[start + index], isExact: true },
    }));
  }

  /** The destinations that read a source most, strongest first. */
  topReaders(head, source, count) {
    return readersOf(this, head, source, count);
  }

  /** Entries of the rows before one. */
  topStart(destination) {
    const full = Math.min(destination, this.topCount);
    return triangleNumber(full) + (destination - full) * this.topCount;
  }
}

/** The destinations of a column whose values are greatest in size, greatest first. */
export function readersOf(cells, head, source, count) {
  const readers = [];
  for (let destination = source; destination < cells.positions; destination++) {
    readers.push({ destination, weight: cells.weight(head, destination, source) });
  }
  return readers.sort((a, b) => Math.abs(b.weight.value) - Math.abs(a.weight.value)).slice(0, count);
}

/** Cells of a triangle with `n` rows. */
export const triangleNumber = (n) => (n * (n + 1)) / 2;

/** The bytes of a base 64 text. */
export function decode(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) bytes[index] = text.charCodeAt(index);
  return bytes;
}
