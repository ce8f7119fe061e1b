// In place of fetch: answers about a model that is not there, 12 layers × 12 heads over 256 tokens.
(() => {
  const [layers, headsPerLayer, positions] = [12, 12, 256];
  const heads = layers * headsPerLayer;
  const size = (positions * (positions + 1)) / 2;
  const base64 = (bytes) => {
    let text = "";
    for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
    return btoa(text);
  };
  const array = (values, shape) => ({ dtype: "f32", shape, data: base64(new Uint8Array(values.buffer)) });
  const patterns = () => {
    const triangles = new Uint8Array(heads * size);
    const topSources = new Uint8Array(heads * positions);
    const topWeights = new Float32Array(heads * positions);
    let at = 0;
    for (let head = 0; head < heads; head++) {
      for (let destination = 0; destination < positions; destination++) {
        for (let source = 0; source <= destination; source++) {
          const distance = destination - source;
          triangles[at++] = 255 / (1 + Math.abs(distance - head) / (1 + (head % 7))) + ((source * 37 + head) % 29);
        }
        topSources[head * positions + destination] = Math.max(0, destination - head);
        topWeights[head * positions + destination] = 0.5;
      }
    }
    const bytes = { triangles: base64(triangles), topSources: base64(topSources) };
    return { topCount: 1, sourceBytes: 1, ...bytes, topWeights: base64(new Uint8Array(topWeights.buffer)) };
  };
  const cfg = { n_layers: layers, n_heads: headsPerLayer, d_model: 768, d_vocab: 50257 };
  const guesses = Array.from({ length: 12 }, (_, id) => ({ id, text: ` word${id}`, logprob: -id - 0.5 }));
  const look = () => ({
    model: { name: "synthetic", fingerprint: "0", form: "processed", cfg, ...cfg },
    tokens: Array.from({ length: positions }, (_, id) => ({ id, text: ` word${id % 50}` })),
    loss: 3.5,
    token_loss: array(Float32Array.from({ length: positions - 1 }, (_, at) => at % 9), [positions - 1]),
    next: { position: positions - 1, tokens: guesses },
    patterns: patterns(),
    heads: Array.from({ length: heads }, (_, at) => ({ layer: Math.floor(at / headsPerLayer), head: at % headsPerLayer })),
    value_norms: array(new Float32Array(heads * positions).fill(1.5), [layers, headsPerLayer, positions]),
  });
  const answers = {
    hello: () => ({ version: "0", model: "synthetic", models: [{ name: "synthetic", cfg }], start: { prompt: { text: "a" } } }),
    look,
  };
  window.fetch = async (address) => {
    const answer = answers[address.split("/").pop()];
    const error = { error: { code: "UNIMPLEMENTED", message: "synthetic" } };
    return new Response(JSON.stringify(answer ? answer() : error), { status: answer ? 200 : 501 });
  };
})();
