// Neurons of an MLP: the strongest over the text, each as a line of its activations; one of them tints the text.

import { make, tokenElement } from "../../LensReport/Assets/format.js";
import { styleColour } from "../../LensReport/Assets/colours.js";
import { prepare } from "../../LensReport/Assets/raster.js";
import { readArray } from "./arrays.js";
import { Panel } from "./panel.js";
import { Question } from "./question.js";
import { readTokens } from "./visible.js";
import { passOf } from "./view.js";

const NEURON_ROWS = 16;
const SPARK = { width: 112, height: 18 };

export class NeuronsPanel extends Panel {
  /** `onPoint(activations)` gets the activations [pos] of the neuron that is looked at, or null. */
  constructor(view, onPoint) {
    super("neurons", "neurons");
    Object.assign(this, { view, onPoint });
    this.layers = make("select");
    this.layers.setAttribute("aria-label", "Layer");
    this.layers.addEventListener("change", () => view.set({ neuron: this.layers.value }));
    this.number = make("input");
    Object.assign(this.number, { type: "number", min: 0, placeholder: "neuron" });
    this.number.setAttribute("aria-label", "Neuron by its number");
    this.number.addEventListener("change", () => {
      view.set({ neuron: this.number.value === "" ? this.layers.value : `${this.layers.value}.${this.number.value}` });
    });
    const choices = make("div", "panel-choices", "MLP of layer ", this.layers, this.number);
    this.section.insertBefore(choices, this.message);
    this.detail = make("div", "neuron-detail");
    this.section.append(this.detail);
    this.one = new Question("neurons", { delay: 30, onReply: (reply) => this.#drawOne(reply) });
    this.#listen();
  }

  #listen() {
    const rowOf = (event) => event.target.closest("[data-neuron]");
    this.body.addEventListener("pointerover", (event) => this.#point(rowOf(event)));
    this.body.addEventListener("focusin", (event) => this.#point(rowOf(event)));
    this.body.addEventListener("pointerleave", () => this.#pointAtKept());
    this.body.addEventListener("click", (event) => {
      const row = rowOf(event);
      if (!row) return;
      const name = `${this.layer}.${row.dataset.neuron}`;
      this.view.set({ neuron: this.view.state.neuron === name ? String(this.layer) : name });
    });
  }

  get layer() {
    return Number(this.view.state.neuron.split(".")[0] || (this.look?.model.n_layers ?? 1) - 1);
  }

  get neuron() {
    const [, neuron] = this.view.state.neuron.split(".");
    return neuron === undefined ? null : Number(neuron);
  }

  update(look) {
    this.look = look;
    const count = look.model.n_layers;
    if (this.layers.length !== count) {
      this.layers.replaceChildren(...Array.from({ length: count }, (_, layer) => make("option", "", String(layer))));
    }
    this.layers.value = String(this.layer);
    this.number.value = this.neuron === null ? "" : String(this.neuron);
    const pass = passOf(this.view.state);
    this.ask({ ...pass, layer: this.layer, top: NEURON_ROWS });
    this.#askOne(this.neuron);
  }

  #askOne(neuron) {
    if (neuron === null) {
      this.detail.replaceChildren();
      this.onPoint(null);
    }
    this.one.ask(neuron === null ? null : { ...passOf(this.view.state), layer: this.layer, neuron });
  }

  #point(row) {
    if (!row) return;
    const at = Number(row.dataset.at);
    this.onPoint(this.activations.values.subarray(at * this.positions, (at + 1) * this.positions));
    this.#askOne(Number(row.dataset.neuron));
  }

  #pointAtKept() {
    this.#askOne(this.neuron);
  }

  draw(reply) {
    this.activations = readArray(reply.activations);
    this.positions = this.activations.shape[1];
    const most = Math.max(...reply.neurons.map(({ max }) => Math.abs(max)));
    this.title.replaceChildren(`Strongest of the text in layer ${this.layer}`);
    const rows = reply.neurons.map(({ neuron, max, position }, at) => {
      const canvas = make("canvas", "spark");
      drawSpark(canvas, this.activations.values.subarray(at * this.positions, (at + 1) * this.positions), most);
      const row = make("button", "neuron-row", make("span", "number", String(neuron)), canvas,
        make("span", "number", max.toFixed(2)), tokenElement(this.look.tokens[position] ?? { text: "" }));
      row.type = "button";
      row.dataset.neuron = neuron;
      row.dataset.at = at;
      row.setAttribute("aria-pressed", String(neuron === this.neuron));
      return make("li", "", row);
    });
    const names = ["neuron", "over the text", "peak", "at"].map((name) => make("span", "note", name));
    this.body.replaceChildren(make("div", "neuron-head", ...names), make("ol", "neuron-list", ...rows));
  }

  #drawOne(reply) {
    if (this.section.hidden) return;
    this.onPoint(readArray(reply.activations).values);
    const list = (title, entries) => make("p", "promotes", make("span", "note", title),
      ...readTokens(entries.slice(0, 6)).map(({ text }) => make("bdi", "token-text", text)));
    this.detail.replaceChildren(
      ...(reply.promotes ? [list("promotes", reply.promotes)] : []),
      ...(reply.suppresses ? [list("suppresses", reply.suppresses)] : []));
  }
}

/** Activations as a line of bars about zero, on one scale for all neurons. */
function drawSpark(canvas, values, most) {
  const scale = window.devicePixelRatio || 1;
  const context = prepare(canvas, SPARK.width, SPARK.height);
  context.scale(scale, scale);
  const step = SPARK.width / values.length;
  const zero = SPARK.height - 4;
  const [up, down] = [styleColour("up"), styleColour("down")];
  values.forEach((value, at) => {
    const room = value < 0 ? SPARK.height - zero : zero - 1;
    const height = Math.min(room, (Math.abs(value) / most) * (zero - 1));
    context.fillStyle = value < 0 ? down : up;
    context.fillRect(at * step, value < 0 ? zero : zero - height, Math.max(0.75, step - 0.5), height);
  });
}
