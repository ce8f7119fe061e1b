// What a cell can show beside attention: other measures, in the form of patterns.js, computed from what is here.

import { signedText } from "../../LensReport/Assets/format.js";
import { decode, readersOf, triangleNumber } from "../../LensReport/Assets/patterns.js";

const STRONGEST = 5;

/** Cells whose values are computed; `scale` is the value of the strongest colour. */
class ComputedCells {
  #codes = new Map();

  constructor(positions, scheme, scale) {
    Object.assign(this, { positions, scheme, scale });
  }

  codes(head) {
    const key = this.keyOf(head);
    if (!this.#codes.has(key)) this.#codes.set(key, this.#encode(head));
    return this.#codes.get(key);
  }

  /** Heads of one key have one picture. */
  keyOf(head) {
    return head;
  }

  #encode(head) {
    const codes = new Uint8Array(triangleNumber(this.positions));
    const isSigned = this.scheme === "change";
    let at = 0;
    for (let destination = 0; destination < this.positions; destination++) {
      for (let source = 0; source <= destination; source++, at++) {
        const share = this.value(head, destination, source) / (this.scale || 1);
        const root = Math.sqrt(Math.min(1, Math.abs(share)));
        codes[at] = isSigned ? 128 + Math.round(127 * Math.sign(share) * root) : Math.round(255 * root);
      }
    }
    return codes;
  }

  code(head, destination, source) {
    return this.codes(head)[triangleNumber(destination) + source];
  }

  weight(head, destination, source) {
    return { value: this.value(head, destination, source), isExact: false };
  }

  text({ value }) {
    if (this.scheme === "change") return `≈ ${signedText(value)}`;
    return `≈ ${Number(value.toPrecision(3))}`;
  }

  top(head, destination) {
    const entries = Array.from({ length: destination + 1 }, (_, source) => ({
      source,
      weight: this.weight(head, destination, source),
    }));
    return entries.sort((a, b) => Math.abs(b.weight.value) - Math.abs(a.weight.value)).slice(0, STRONGEST);
  }

  topReaders(head, source, count) {
    return readersOf(this, head, source, count);
  }
}

/** The weight that a code of patterns.js stands for. */
const WEIGHTS = Float32Array.from({ length: 256 }, (_, code) => (code / 255) ** 2);

/** Attention times the norm of the source's value vector: what can flow, not only where to look. `norms` [head, pos]. */
export class ValueCells extends ComputedCells {
  constructor(patterns, norms) {
    super(patterns.positions, "weight", norms.reduce((most, norm) => Math.max(most, norm), 0));
    Object.assign(this, { patterns, norms });
  }

  value(head, destination, source) {
    return WEIGHTS[this.patterns.code(head, destination, source)] * this.norms[head * this.positions + source];
  }
}

/** What edits changed: a measure minus the same without them. */
export class ChangeCells extends ComputedCells {
  constructor(cells, base) {
    super(cells.positions, "change", cells.scale ?? 1);
    Object.assign(this, { cells, base });
  }

  value(head, destination, source) {
    const here = this.cells.weight(head, destination, source).value;
    return here - this.base.weight(head, destination, source).value;
  }
}

/** Changes of attention, by its codes: fast enough for all heads at once. */
export class AttentionChange extends ChangeCells {
  value(head, destination, source) {
    const here = WEIGHTS[this.cells.code(head, destination, source)];
    return here - WEIGHTS[this.base.code(head, destination, source)];
  }
}

/** Signed patterns, packed as int8 lower triangles of square roots with a scale for each head. */
export class SignedCells extends ComputedCells {
  constructor(triangles, scales, positions) {
    super(positions, "change", scales.reduce((most, scale) => Math.max(most, scale), 0));
    this.triangles = new Int8Array(decode(triangles).buffer);
    this.scales = scales;
    this.size = triangleNumber(positions);
  }

  value(head, destination, source) {
    const root = this.triangles[head * this.size + triangleNumber(destination) + source] / 127;
    return Math.sign(root) * root * root * this.scales[head];
  }
}

/** Mean or greatest of several heads' cells: of a layer (`span` heads that follow one another) or of all. */
export class AcrossCells extends ComputedCells {
  constructor(cells, kind, span) {
    super(cells.positions, cells.scheme, cells.scale ?? 1);
    Object.assign(this, { cells, kind, span });
  }

  keyOf(head) {
    return Math.floor(head / this.span);
  }

  value(head, destination, source) {
    const first = this.keyOf(head) * this.span;
    let sum = 0;
    let most = 0;
    for (let other = first; other < first + this.span; other++) {
      const code = this.cells.code(other, destination, source);
      const value =
        this.cells.scheme === "weight" ? WEIGHTS[code] * this.scale : signedValue(code) * this.scale;
      sum += value;
      if (Math.abs(value) > Math.abs(most)) most = value;
    }
    return this.kind === "mean" ? sum / this.span : most;
  }
}

const signedValue = (code) => Math.sign(code - 128) * ((code - 128) / 127) ** 2;
