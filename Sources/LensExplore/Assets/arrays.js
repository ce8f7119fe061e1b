// Arrays as the API sends them: base 64, little-endian, row-major.

import { decode } from "../../LensReport/Assets/patterns.js";

/** `{ shape, values }`, with `values` a typed array over all entries. */
export function readArray({ dtype, shape, data }) {
  const { buffer } = decode(data);
  return { shape, values: dtype === "i32" ? new Int32Array(buffer) : new Float32Array(buffer) };
}
