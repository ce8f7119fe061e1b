// A question whose newest wording counts: asked after a pause, older ones cancelled, tried again where that may help.

import { CallError, call, keyOf } from "./api.js";

const KEPT_REPLIES = 32;
const MOST_TRIES = 6;
const replies = new Map();

export class Question {
  #asked = null;
  #timer = null;
  #cancel = null;

  /**
   * `onReply(reply, request)` gets the answer to the newest wording; `onState({ isPending, error, progress,
   * retryAt })` what there is to tell meanwhile.
   */
  constructor(name, { delay = 0, onReply, onState = () => {} }) {
    Object.assign(this, { name, delay, onReply, onState });
  }

  /** Name and request of the newest wording that was answered, for a saved page; null before. */
  answered = null;

  /** Asks, or forgets the question (null). The same wording again asks nothing. */
  ask(request) {
    const key = request && keyOf(this.name, request);
    if (key === this.#asked) return;
    this.#drop();
    this.#asked = key;
    if (request === null) {
      this.answered = null;
      this.onState({ isPending: false, error: null });
    } else if (replies.has(key)) {
      this.#answer(key, request, replies.get(key));
    } else {
      this.onState({ isPending: true, error: null });
      this.#timer = setTimeout(() => this.#try(key, request, 1), this.delay);
    }
  }

  /** Asks the same wording now, after an error. */
  again(request) {
    this.#asked = null;
    this.ask(request);
  }

  #drop() {
    clearTimeout(this.#timer);
    this.#cancel?.abort();
    this.#cancel = null;
  }

  async #try(key, request, attempt) {
    const cancel = (this.#cancel = new AbortController());
    try {
      const onProgress = (progress) => {
        if (this.#asked === key) this.onState({ isPending: true, error: null, progress });
      };
      const reply = await call(this.name, request, { signal: cancel.signal, onProgress });
      remember(key, reply);
      if (this.#asked === key) this.#answer(key, request, reply);
    } catch (error) {
      if (cancel.signal.aborted || this.#asked !== key) return;
      this.#fail(key, request, attempt, error instanceof CallError ? error : new CallError(unexpected(error)));
    }
  }

  #answer(key, request, reply) {
    this.answered = { name: this.name, request };
    this.onState({ isPending: false, error: null });
    this.onReply(reply, request);
  }

  #fail(key, request, attempt, error) {
    const wait = pauseAfter(error, attempt);
    this.onState({ isPending: wait !== null, error, retryAfter: wait });
    if (wait !== null) this.#timer = setTimeout(() => this.#try(key, request, attempt + 1), wait * 1000);
  }
}

/** Seconds until the next try, or null where another would end the same. Who is away may come back at any time. */
function pauseAfter(error, attempt) {
  if (error.code === "UNAVAILABLE" || error.code === "UNREACHABLE") return Math.min(8, 0.5 * 2 ** attempt);
  const isBusy = error.code === "RESOURCE_EXHAUSTED" && error.retryAfter !== null;
  return isBusy && attempt < MOST_TRIES ? Math.max(0.2, error.retryAfter) : null;
}

function unexpected(error) {
  return { code: "INTERNAL", message: `the page failed: ${error.message}` };
}

function remember(key, reply) {
  replies.set(key, reply);
  if (replies.size > KEPT_REPLIES) replies.delete(replies.keys().next().value);
}
