// What the reader has to know about the daemon: that it works, is away, is busy, or refused something.

import { byID, make } from "../../LensReport/Assets/format.js";

const HINTS = {
  UNAVAILABLE: "The daemon does not answer.",
  UNREACHABLE: "The page has lost its server.",
  RESOURCE_EXHAUSTED: "The daemon is busy.",
  DEADLINE_EXCEEDED: "It took too long.",
  UNAUTHENTICATED: "This browser is not let in.",
};

export class Notices {
  #errors = new Map();

  /** Takes the state of a question: an error is shown until the question is answered or asked otherwise. */
  tell(question, { error = null, retryAfter = null }) {
    if (error) this.#errors.set(question, { error, retryAfter });
    else this.#errors.delete(question);
    this.#show();
  }

  #show() {
    const [entry] = this.#errors.values();
    const box = byID("notice");
    box.hidden = entry === undefined;
    if (!entry) return;
    const { error, retryAfter } = entry;
    const hint = HINTS[error.code] ?? "";
    const again = retryAfter === null ? "" : ` Trying again${retryAfter >= 1 ? ` in ${Math.round(retryAfter)} s` : ""}.`;
    box.dataset.code = error.code;
    box.replaceChildren(make("b", "", hint), ` ${error.message}${error.message.endsWith(".") ? "" : "."}${again}`);
  }
}

/** Shows what the pass is and came out as, in the masthead. */
export function showStatus(text, isPending) {
  const status = byID("status");
  if (text !== null) status.textContent = text;
  status.classList.toggle("is-pending", isPending);
}
