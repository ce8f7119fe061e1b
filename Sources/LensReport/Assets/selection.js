// What the reader looks at. The views subscribe and draw; they keep no state of their own.

/**
 * A head is shown (pointed at) or kept (clicked); within it a target is pointed at or locked. A target has a
 * destination, a source, or both: a row, a column, or a cell.
 */
export class Selection {
  #listeners = [];
  #pointed = null;
  #locked = null;

  constructor(positions, head) {
    this.positions = positions;
    this.head = head;
    this.isKept = false;
    /** Whether a token alone stands for what it reads from ("destination") or for what reads it ("source"). */
    this.direction = "destination";
  }

  /** Goes on over another text: what lies outside of it is let go. */
  resize(positions, heads) {
    const fits = (target) =>
      target === null || [target.destination, target.source].every((at) => at === null || at < positions);
    this.positions = positions;
    if (!fits(this.#locked)) this.#locked = null;
    if (!fits(this.#pointed)) this.#pointed = null;
    if (this.head >= heads) [this.head, this.isKept] = [0, false];
  }

  /** Locks a target that was kept elsewhere, or none (null). */
  restore(target) {
    this.#locked = target;
    this.#pointed = target;
    this.#emit();
  }

  /** What is locked, whatever is pointed at. */
  get locked() {
    return this.#locked;
  }

  subscribe(listener) {
    this.#listeners.push(listener);
  }

  /** The row, column or cell to show, or null. */
  get target() {
    if (!this.#locked) return this.#pointed;
    return this.#completed ?? this.#locked;
  }

  get isLocked() {
    return this.#locked !== null;
  }

  /** Shows a head, unless another is kept. */
  pointAtHead(head) {
    if (this.isKept || head === this.head) return;
    this.head = head;
    this.#emit();
  }

  /** Keeps a head, or lets it go when it is the kept one. */
  keepHead(head) {
    this.isKept = !(this.isKept && this.head === head);
    this.head = head;
    this.#emit();
  }

  /** Points at a cell of the matrix, or at nothing (null). */
  point(target) {
    if (same(target, this.#pointed)) return;
    this.#pointed = target;
    this.#emit();
  }

  pointAtToken(position) {
    this.point(this.#ofToken(position));
  }

  /** Locks a cell, or unlocks it when it is the locked one. */
  lock(target) {
    this.#locked = same(target, this.#locked) ? null : target;
    this.#pointed = target;
    this.#emit();
  }

  /** Locks a token's row or column; with one locked already, the cell where a second token meets it. */
  lockToken(position) {
    this.#pointed = this.#ofToken(position);
    this.lock(this.#completed ?? this.#pointed);
  }

  setDirection(direction) {
    this.direction = direction;
    this.#locked = null;
    this.#pointed = null;
    this.#emit();
  }

  /** Lets go of the target if one is locked, otherwise of the head. */
  release() {
    if (this.#locked) {
      this.#locked = null;
      this.#pointed = null;
    } else if (this.isKept) {
      this.isKept = false;
    } else {
      this.#pointed = null;
    }
    this.#emit();
  }

  #ofToken(position) {
    return this.direction === "destination"
      ? { destination: position, source: null }
      : { destination: null, source: position };
  }

  /** The cell where the locked row or column meets the token that is pointed at, if causality allows it. */
  get #completed() {
    if (!this.#locked || !this.#pointed || isCell(this.#locked) || isCell(this.#pointed)) return null;
    const other = this.#pointed.destination ?? this.#pointed.source;
    const cell =
      this.#locked.source === null
        ? { destination: this.#locked.destination, source: other }
        : { destination: other, source: this.#locked.source };
    const isNew = other !== (this.#locked.destination ?? this.#locked.source);
    return isNew && cell.source <= cell.destination ? cell : null;
  }

  #emit() {
    for (const listener of this.#listeners) listener(this);
  }
}

/** Whether a target has both its sides. */
export const isCell = (target) => target !== null && target.destination !== null && target.source !== null;

function same(a, b) {
  return a === b || (a !== null && b !== null && a.destination === b.destination && a.source === b.source);
}
