// The attention patterns, unpacked from what CausalPacking.swift wrote.

/** Patterns of all heads: lower triangles in 8-bit codes, and the strongest sources of each row exactly. */
export class Patterns {
  constructor({ topCount, sourceBytes, triangles, topSources, topWeights }, positions) {
    this.positions = positions;
    this.topCount = topCount;
    this.triangles = decode(triangles);
    const sources = decode(topSources);
    this.topSources = sourceBytes === 1 ? sources : new Uint16Array(sources.buffer);
    this.topWeights = new Float32Array(decode(topWeights).buffer);
    this.triangleSize = triangleNumber(positions);
    this.topSize = this.topStart(positions);
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
    const readers = [];
    for (let destination = source; destination < this.positions; destination++) {
      readers.push({ destination, weight: this.weight(head, destination, source) });
    }
    return readers.sort((a, b) => b.weight.value - a.weight.value).slice(0, count);
  }

  /** Entries of the rows before one. */
  topStart(destination) {
    const full = Math.min(destination, this.topCount);
    return triangleNumber(full) + (destination - full) * this.topCount;
  }
}

const triangleNumber = (n) => (n * (n + 1)) / 2;

function decode(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) bytes[index] = text.charCodeAt(index);
  return bytes;
}
