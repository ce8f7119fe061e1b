// Which cells the view asks for.

import { AcrossCells, AttentionChange, ChangeCells, ValueCells } from "./cells.js";

/**
 * Cells of a look under a view's measure, change and across. `signed` has the signed patterns `{ edited, base }` as far
 * as they are here; until they are, attention stands in.
 */
export function cellsOf(look, { measure, change, across, edits }, signed) {
  const isChange = change && edits.length > 0 && look.base !== null;
  const key = `${measure} ${isChange}`;
  look.cells ??= new Map();
  const cells = measure === "attribution" ? signedCells(look, isChange, signed) : kept(look.cells, key, () => {
    const here = measured(look, measure);
    if (!isChange) return here;
    const base = measured(look.base, measure);
    return measure === "attention" ? new AttentionChange(here, base) : new ChangeCells(here, base);
  });
  if (across === "one") return cells;
  const [kind, span] = across.split("-");
  const perLayer = look.heads.filter((head) => head.layer === look.heads[0].layer).length;
  return kept((cells.across ??= new Map()), across, () => new AcrossCells(cells, kind, span === "layer" ? perLayer : look.heads.length));
}

function measured(look, measure) {
  return measure === "value" && look.norms ? new ValueCells(look.patterns, look.norms) : look.patterns;
}

function signedCells(look, isChange, { edited, base }) {
  if (!edited || edited.positions !== look.tokens.length) return look.patterns;
  if (!isChange || !base || base.positions !== edited.positions) return edited;
  return new ChangeCells(edited, base);
}

function kept(map, key, compute) {
  if (!map.has(key)) map.set(key, compute());
  return map.get(key);
}
