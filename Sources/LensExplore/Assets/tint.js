// What tints the text while no token is looked at: each token's loss, its change, or a neuron's activations.

import { byID, make, signedText } from "../../LensReport/Assets/format.js";
import { rampColour } from "../../LensReport/Assets/colours.js";

const LEGEND_STEPS = 16;

export class Tint {
  constructor(view, text) {
    Object.assign(this, { view, text, look: null });
    text.ground = (position) => this.#shade(position);
  }

  show(look) {
    this.look = look;
    this.change = look.base ? look.tokenLoss.map((loss, at) => loss - look.base.tokenLoss[at]) : null;
    /** Of a guess among the whole vocabulary: the end of the ramp. */
    this.most = Math.log(look.model.cfg?.d_vocab ?? 2048);
    this.reach = this.change ? Math.max(0.05, ...Array.from(this.change, Math.abs)) : 1;
    this.#showLoss();
    this.drawLegend();
    if (this.text.patterns) this.text.update();
  }

  /** Tints by a neuron's activations [pos] while it is looked at; null goes back. */
  point(activations) {
    this.text.over = activations && ((position) => signedShade(activations[position] / this.top));
    this.top = activations ? Math.max(1e-6, ...Array.from(activations, Math.abs)) : 1;
    if (this.look && this.text.patterns) this.text.update();
  }

  get #kind() {
    const { tint } = this.view.state;
    return tint === "change" && !this.change ? "loss" : tint;
  }

  #shade(position) {
    if (!this.look) return null;
    if (position === 0 || this.#kind === "none") return null;
    if (this.#kind === "change") return signedShade(this.change[position - 1] / this.reach);
    const share = this.look.tokenLoss[position - 1] / this.most;
    return { code: Math.round(255 * Math.min(1, Math.max(0, share))), scheme: "loss" };
  }

  #showLoss() {
    const { loss, base } = this.look;
    const parts = loss === null ? [] : [make("span", "note", "loss "), make("b", "", loss.toFixed(4))];
    if (base && loss !== null) {
      const delta = loss - base.loss;
      parts.push(" ", make("span", delta >= 0 ? "up" : "down", signedText(delta, null, 4)));
    }
    byID("loss").replaceChildren(...parts);
  }

  drawLegend() {
    const kind = this.#kind;
    const legend = byID("tint-legend");
    legend.hidden = kind === "none" || !this.look;
    if (legend.hidden) return;
    const scheme = kind === "change" ? "change" : "loss";
    const [low, high] = kind === "change" ? [`−${this.reach.toFixed(2)}`, `+${this.reach.toFixed(2)}`] : ["0", `${this.most.toFixed(1)}`];
    legend.title = kind === "change" ? "Change of each token's loss, in nats" : "Each token's loss in nats, up to that of a guess among the vocabulary";
    legend.replaceChildren(...rampLegend(low, high, scheme));
  }
}

/** A ramp of colours between what its ends stand for. */
export function rampLegend(low, high, scheme = "weight") {
  const steps = Array.from({ length: LEGEND_STEPS }, (_, at) => {
    const step = make("i");
    step.style.backgroundColor = rampColour(Math.round((255 * at) / (LEGEND_STEPS - 1)), scheme);
    return step;
  });
  return [make("span", "note", low), make("span", "steps", ...steps), make("span", "note", high)];
}

function signedShade(share) {
  const bounded = Math.max(-1, Math.min(1, share));
  return { code: 128 + Math.round(127 * bounded), scheme: "change" };
}
