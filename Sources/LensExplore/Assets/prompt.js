// The prompt and the model: where everything begins.

import { byID, make } from "../../LensReport/Assets/format.js";
import { isSaved } from "./api.js";
import { showStatus } from "./notices.js";
import { Question } from "./question.js";

const SAMPLE = "Once upon a time, there was a little girl named Lily. She loved to play with her dog Max. One day, Lily";

export class Prompt {
  constructor(view, notices) {
    Object.assign(this, { view, notices, models: [] });
    this.field = byID("prompt");
    this.field.addEventListener("input", () => view.set({ text: this.field.value, ids: null, cell: "", position: null }));
    this.field.readOnly = isSaved;
    this.select = byID("model");
    this.select.disabled = isSaved;
    this.select.addEventListener("change", () => {
      view.set({ model: this.select.value, edits: [], head: "", cell: "", neuron: "", answer: null, wrong: null });
    });
    view.subscribe(() => this.#mark());
  }

  /** Learns what is served; resolves to the view that the command line asked for. */
  start() {
    return new Promise((resolve) => {
      this.hello = new Question("hello", {
        onState: (state) => this.notices.tell("hello", state),
        onReply: (reply) => {
          this.models = reply.models;
          this.usual = reply.model;
          const names = reply.models.flatMap(({ name }) => [name, `${name}@raw`]);
          this.select.replaceChildren(...names.map((name) => {
            const option = make("option", "", name.endsWith("@raw") ? `${name.slice(0, -4)} · raw weights` : name);
            option.value = name === reply.model ? "" : name;
            return option;
          }));
          const { model = "", prompt } = reply.start ?? {};
          this.#mark();
          const ids = prompt?.tokens ?? null;
          const text = ids ? "" : prompt?.text ?? SAMPLE;
          resolve({ model: model === reply.model ? "" : model ?? "", text, ids, bos: prompt?.prepend_bos ?? true });
        },
      });
      this.hello.ask({});
    });
  }

  #entry(model) {
    const name = (model || this.usual || "").replace(/@raw$/, "");
    return this.models.find((each) => each.name === name);
  }

  layersOf(model) {
    const entry = this.#entry(model);
    return entry?.cfg?.n_layers ?? entry?.n_layers ?? 1;
  }

  /** How large a model is, for what is asked at once; where unknown, as a small one of its shape. */
  parametersOf(model) {
    const entry = this.#entry(model);
    if (entry?.parameters) return entry.parameters;
    const { n_layers: layers = 1, d_model: width = 256, d_vocab: words = 2048 } = entry?.cfg ?? entry ?? {};
    return 12 * layers * width * width + words * width;
  }

  #mark() {
    const { text, model } = this.view.state;
    if (document.activeElement !== this.field || isSaved) this.field.value = text;
    this.field.placeholder = this.view.state.ids ? `${this.view.state.ids.length} tokens; type a prompt instead` : "Type or paste a prompt";
    this.select.value = model;
  }

  show(look) {
    const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;
    showStatus(`${count(look.tokens.length, "token")}${isSaved ? " · saved view" : ""}`, false);
  }

  get calls() {
    return [this.hello.answered].filter(Boolean);
  }
}
