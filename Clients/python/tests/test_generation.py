"""Generated text: against transformers and TransformerLens, streams, the cache, edits, bad input."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from conftest import MODELS, Daemon
from reference import FIXTURES, assert_close, sequence

import lensd

TINY = MODELS["tiny"]
GREEDY: list[dict[str, Any]] = json.loads((FIXTURES / "generation" / "greedy.json").read_text())
NAMES = {checkpoint: name for name, checkpoint in MODELS.items()}


@pytest.mark.parametrize("record", [record for record in GREEDY if record["model"] in NAMES])
def test_greedy_tokens_are_those_of_transformers(client: lensd.Client, record: dict[str, Any]) -> None:
    model = client.model(NAMES[record["model"]])
    new = len(record["tokens"]) - len(record["prompt"])
    tokens = model.generate(np.array([record["prompt"]]), new, do_sample=False)
    assert tokens.tolist() == [record["tokens"]]
    result = model.generation(record["prompt"], new, temperature=0)
    assert result.tokens.tolist() == [record["tokens"]]
    assert_close(result.logprobs[0], np.array(record["logprobs"], np.float32))


def test_a_batch_is_what_each_prompt_gets_alone(client: lensd.Client) -> None:
    model = client.model("local")
    prompts = [[0, 3], [0, 100, 7, 100, 7, 100, 7, 9], [5]]
    together = model.generation(prompts, 9, do_sample=False)
    assert together.tokens.lengths.tolist() == [len(prompt) + 9 for prompt in prompts]
    assert together.prompt_lengths == [2, 8, 1]
    for index, prompt in enumerate(prompts):
        alone = model.generation(prompt, 9, do_sample=False)
        length = together.tokens.lengths[index]
        assert together.tokens[index, :length].tolist() == alone.tokens[0].tolist()
        assert_close(together.logprobs[index], alone.logprobs[0])
    assert together.finish_reason == ["length"] * 3


def test_what_comes_back(model: lensd.Model) -> None:
    options: Any = {"max_new_tokens": 5, "seed": 3, "stop_at_eos": False}
    text = model.generate("Tom saw", **options)
    assert isinstance(text, str)
    assert text.startswith("Tom saw")
    result = model.generation("Tom saw", **options)
    assert text == "Tom saw" + result.text[0]
    assert result.tokens.shape == (1, len(result.str_tokens[0]))
    assert model.generate("Tom saw", return_type="tokens", **options).tolist() == result.tokens.tolist()
    tokens = model.to_tokens("Tom saw")
    assert model.generate(tokens, **options).tolist() == result.tokens.tolist()
    assert model.generate(tokens, return_type="str", **options) == text
    both = model.generate(["Tom saw", "a"], **options)
    assert [each[:1] for each in both] == ["T", "a"]
    # No text at all is begun by BOS.
    assert model.generation(**options).tokens[0, 0] == model.bos_token_id
    with pytest.raises(lensd.InvalidArgument, match="'embeds'"):
        model.generate("a", return_type="embeds")  # type: ignore[arg-type]


def test_seeds(model: lensd.Model) -> None:
    def tokens(seed: int | None) -> lensd.Generation:
        return model.generation("Tom", 20, top_k=50, top_p=0.95, temperature=1.1, freq_penalty=0.1, seed=seed)

    first = tokens(5)
    assert first.seed == 5
    assert tokens(5).tokens.tolist() == first.tokens.tolist()
    assert tokens(6).tokens.tolist() != first.tokens.tolist()
    chosen = tokens(None)
    assert tokens(chosen.seed).tokens.tolist() == chosen.tokens.tolist()


def test_tokens_as_they_come(model: lensd.Model) -> None:
    with model.generate_stream(["Tom", "the ball the"], 12, seed=1, stop_at_eos=False) as stream:
        first = next(stream)
        with pytest.raises(lensd.FailedPrecondition, match="before its last token"):
            _ = stream.result
        tokens = [first, *stream]
    result = stream.result
    for prompt in (0, 1):
        own = [token for token in tokens if token.prompt == prompt]
        new = result.tokens[prompt, result.prompt_lengths[prompt] : result.tokens.lengths[prompt]]
        assert [token.id for token in own] == new.tolist()
        assert "".join(token.text for token in own) == result.text[prompt]
        assert_close([token.logprob for token in own], result.logprobs[prompt])


def test_leaving_a_stream_stops_the_daemon(client: lensd.Client) -> None:
    model = client.model()
    with model.generate_stream([[0, 1]] * 200, 40, stop_at_eos=False) as stream:
        next(stream)
    with pytest.raises(StopIteration):
        next(stream)
    assert client.status().running_jobs == 0 or model.generate("Tom", 2)


def test_ends(model: lensd.Model) -> None:
    plain = model.generation([0, 17, 40, 201, 17], 10, do_sample=False, stop_at_eos=False)
    new = plain.tokens[0, 5:].tolist()
    ended = model.generation([0, 17, 40, 201, 17], 10, do_sample=False, eos_token_id=new[3])
    assert ended.finish_reason == ["eos"]
    assert ended.tokens[0, 5:].tolist() == new[: new.index(new[3]) + 1]
    text = plain.text[0]
    # Two tokens of one character each.
    stop = "99"
    stopped = model.generation([0, 17, 40, 201, 17], 10, do_sample=False, stop_at_eos=False, stop=stop)
    assert stopped.finish_reason == ["stop"]
    assert stopped.text[0] == text[: text.index(stop)]
    full = model.generation([0, 1], 1000, do_sample=False, stop_at_eos=False)
    assert full.finish_reason == ["context"]
    assert full.tokens.shape == (1, model.cfg.n_ctx)


def test_the_cache_is_that_of_the_generated_run(client: lensd.Client) -> None:
    model = client.model("local")
    edits = [lensd.zero("z1", head=2)]
    result = model.generation([[0, 3, 4], [0, 9]], 6, do_sample=False, interventions=edits)
    assert result.run_id is None
    lengths = result.tokens.lengths
    rows = [result.tokens[index, : lengths[index]].tolist() for index in range(2)]
    _, cache = model.run_with_cache(rows, interventions=edits)
    for name in ("pattern1", "resid_post2", "k0"):
        assert_close(result.cache[name], cache[name])
    assert not result.cache["z1"][:, :, 2].any()
    # The log-probabilities of the tokens are those of that run.
    loss = model.run_with_interventions(rows, edits, return_type="loss", loss_per_token=True)
    for index, count in enumerate(result.prompt_lengths):
        assert_close(-loss[index, count - 1 : lengths[index] - 1], result.logprobs[index])


def test_recorded_generations_are_runs(daemon: Daemon) -> None:
    with lensd.connect(daemon.socket, session="generated") as client:
        model = client.model("tiny")
        result = model.generation(sequence(TINY, "seq7"), 5, seed=9)
        assert result.run_id is not None
        z = client.query(result.run_id, "z0")
        assert_close(z, result.cache["z0"])
        assert z.shape[1] == len(result.str_tokens[0])


def test_bad_input(model: lensd.Model) -> None:
    for options, message in [
        ({"max_new_tokens": 0}, "max_new_tokens must be 1 or more; received 0"),
        ({"max_new_tokens": -1}, "max_new_tokens must be in 0"),
        ({"temperature": -1.0}, "temperature must be 0 or more; received -1"),
        ({"top_k": 0}, "top_k must be 1 or more"),
        ({"top_p": 1.5}, "top_p must be above 0 and at most 1; received 1.5"),
        ({"seed": -1}, "seed must be in"),
        ({"seed": 1 << 63}, "seed must be in"),
        ({"eos_token_id": 320}, "EOS token must be in 0...319"),
        ({"stop": ""}, "a stop string has 1 to 256 bytes; received 0"),
        ({"interventions": [lensd.mean("z0")]}, "changes with each new token"),
        ({"interventions": [lensd.zero("attn_scores0")]}, "still to come"),
    ]:
        with pytest.raises(lensd.InvalidArgument, match=message):
            model.generate("Tom", **options)  # type: ignore[arg-type]
    with pytest.raises(lensd.NotFound):
        model.generate("Tom", interventions=[lensd.zero("zz0")])


# Under hook functions.


def test_hook_functions_see_every_step(client: lensd.Client) -> None:
    model = client.model("local")
    seen: list[tuple[str, list[int]]] = []

    def look(value: Any, hook: lensd.HookPoint) -> None:
        seen.append((hook.name, list(value.shape)))

    plain = model.generation([0, 3, 4, 5, 6, 7], 3, do_sample=False)
    with model.hooks(fwd_hooks=[("resid_pre1", look), ("pattern1", look)]):
        hooked = model.generation([0, 3, 4, 5, 6, 7], 3, do_sample=False)
    assert hooked.tokens.tolist() == plain.tokens.tolist()
    heads = model.cfg.n_heads
    pre, pattern = "blocks.1.hook_resid_pre", "blocks.1.attn.hook_pattern"
    assert seen == [
        *[(pre, [1, 6, 32]), (pattern, [1, heads, 6, 6])],
        *[(pre, [1, 1, 32]), (pattern, [1, heads, 1, 7])],
        *[(pre, [1, 1, 32]), (pattern, [1, heads, 1, 8])],
    ]


@pytest.mark.parametrize(
    "hook", ["k1", "v0", "z1", "pattern0", "resid_mid1", "post0", "unembed.hook_out", "hook_embed"]
)
def test_hook_functions_change_the_text_as_they_change_a_run(client: lensd.Client, hook: str) -> None:
    model = client.model("local")

    def halve(value: Any, hook: lensd.HookPoint) -> Any:
        return value * 0.5

    prompts = [[0, 3, 4, 5], [0, 100, 7, 100, 7, 9]]
    with model.hooks(fwd_hooks=[(hook, halve)], interventions=[lensd.zero("z0", head=1)]):
        result = model.generation(prompts, 8, seed=4, stop_at_eos=False)
        lengths = result.tokens.lengths
        rows = [result.tokens[index, : lengths[index]].tolist() for index in range(2)]
        loss = model(rows, return_type="loss", loss_per_token=True)
    for index, count in enumerate(result.prompt_lengths):
        assert_close(-loss[index, count - 1 : lengths[index] - 1], result.logprobs[index])
    plain = model.generation(prompts, 8, seed=4, stop_at_eos=False, interventions=[lensd.zero("z0", head=1)])
    assert plain.logprobs.tolist() != result.logprobs.tolist()
    with pytest.raises(lensd.NotFound, match="hook functions took part"):
        _ = result.cache["z0"]


def test_edits_of_tokens_are_made_once_under_functions(client: lensd.Client) -> None:
    model = client.model("local")
    prompts = [[0, 3, 4, 5], [0, 100, 7, 9]]
    # Exchanged twice, the tokens would be as before.
    edits = [lensd.swap("hook_tokens", 1, prompt=0, pos=[1, 2])]
    typed = model.generation(prompts, 4, do_sample=False, interventions=edits)
    with model.hooks(fwd_hooks=[("z0", lambda value, hook: None)]):
        hooked = model.generation(prompts, 4, do_sample=False, interventions=edits)
    assert_close(hooked.logprobs, typed.logprobs)
    plain = model.generation(prompts, 4, do_sample=False)
    assert plain.logprobs.tolist() != typed.logprobs.tolist()


def test_functions_that_raise_end_the_generation(model: lensd.Model) -> None:
    calls = []

    def fail(value: Any, hook: lensd.HookPoint) -> None:
        calls.append(value.shape)
        if len(calls) == 3:
            raise ZeroDivisionError

    with model.hooks(fwd_hooks=[("z0", fail)]), pytest.raises(ZeroDivisionError):
        model.generate("Tom saw", 10, stop_at_eos=False)
    assert len(calls) == 3
    assert model.generate("Tom saw", 2)


def test_prompts_that_ended_are_not_shown_any_more(model: lensd.Model) -> None:
    batches = []
    with model.hooks(fwd_hooks=[("z0", lambda value, hook: batches.append(len(value)))]):
        result = model.generation([[0, 1], [3] * 46], 4, stop_at_eos=False)
    assert result.finish_reason == ["length", "context"]
    assert batches == [2, 2, 1, 1]


def test_a_generation_with_functions_is_recorded_as_such(daemon: Daemon) -> None:
    with lensd.connect(daemon.socket, session="hooked-texts") as client:
        model = client.model("tiny")
        with model.hooks(fwd_hooks=[("z0", lambda value, hook: None)]):
            result = model.generation("Tom", 2, seed=1)
        assert result.run_id is not None
        with pytest.raises(lensd.FailedPrecondition):
            client.query(result.run_id, "z0")
