// The daemon's answers: asked of the lensctl that serves this page, or found in a saved page.

import { byID } from "../../LensReport/Assets/format.js";

const given = JSON.parse(byID("data").textContent);

export const isSaved = given.mode === "saved";
/** What the reader looked at when the page was saved; null in a live page. */
export const savedView = given.view ?? null;
const saved = new Map((given.replies ?? []).map(({ name, request, reply }) => [keyOf(name, request), reply]));

/** What went wrong, in the daemon's words; `UNREACHABLE` where lensctl itself has ended. */
export class CallError extends Error {
  constructor({ code, message, retry_after_seconds: retryAfter = null }) {
    super(message);
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

/** One text for one question, whatever the order in which its members were written. */
export function keyOf(name, request) {
  const sorted = (value) => {
    if (Array.isArray(value)) return value.map(sorted);
    if (value === null || typeof value !== "object") return value;
    const names = Object.keys(value).filter((key) => value[key] !== undefined);
    return Object.fromEntries(names.sort().map((key) => [key, sorted(value[key])]));
  };
  return `${name} ${JSON.stringify(sorted(request))}`;
}

/** Asks; `onProgress` gets `{ done, total }` of long work. Aborting the signal ends the work in the daemon. */
export async function call(name, request, { signal, onProgress } = {}) {
  if (isSaved) {
    const reply = saved.get(keyOf(name, request));
    if (reply !== undefined) return reply;
    throw new CallError({ code: "NOT_SAVED", message: "this page was saved without it" });
  }
  const response = await send(name, request, signal);
  if (!response.ok) throw new CallError(await errorOf(response));
  const isStream = response.headers.get("Content-Type")?.startsWith("application/x-ndjson");
  return isStream ? lastOf(response, onProgress) : response.json();
}

/** The view as one HTML file that needs no daemon. */
export async function savePage(title, view, calls) {
  const response = await send("save", { title, view, calls });
  if (!response.ok) throw new CallError(await errorOf(response));
  return response.blob();
}

async function send(name, request, signal) {
  try {
    return await fetch(`/api/${name}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(request),
      signal,
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new CallError({ code: "UNREACHABLE", message: "lensctl explore has ended: start it again in the terminal" });
  }
}

async function errorOf(response) {
  try {
    return (await response.json()).error;
  } catch {
    return { code: "INTERNAL", message: `expected JSON from lensctl; received HTTP ${response.status}` };
  }
}

/** The reply in the last line of a stream whose other lines tell of progress. */
async function lastOf(response, onProgress) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    const lines = (rest + (value ?? "")).split("\n");
    rest = done ? "" : lines.pop();
    for (const line of lines) {
      if (line === "") continue;
      const event = JSON.parse(line);
      if (event.error) throw new CallError(event.error);
      if (event.reply) return event.reply;
      if (event.progress) onProgress?.(event.progress);
    }
    if (done) throw new CallError({ code: "UNREACHABLE", message: "the answer ended before its last line" });
  }
}
