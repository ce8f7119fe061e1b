"""Writes messages.json: messages as Google's own protobuf encodes them, for both clients to agree on.

Run with `protobuf` installed and Clients/python/src on PYTHONPATH. Each vector has a name, the message's
type, its bytes and its fields as protobuf's JSON. `Support/Samples.swift` holds the same values under the
same names, so that Swift's conversions are held against an implementation that knows nothing of them.
"""

import json
import math
import pathlib
import struct

from google.protobuf import json_format

from lensd._proto import (
    analyses_pb2 as analyses,
)
from lensd._proto import (
    common_pb2 as common,
)
from lensd._proto import (
    daemon_pb2 as daemon,
)
from lensd._proto import (
    frame_pb2 as frame,
)
from lensd._proto import (
    generation_pb2 as generation,
)
from lensd._proto import (
    gradients_pb2 as gradients,
)
from lensd._proto import (
    heads_pb2 as atlas,
)
from lensd._proto import (
    hooks_pb2 as hooks,
)
from lensd._proto import (
    inference_pb2 as inference,
)
from lensd._proto import (
    interventions_pb2 as edits,
)
from lensd._proto import (
    models_pb2 as models,
)
from lensd._proto import (
    reports_pb2 as reports,
)
from lensd._proto import (
    run_pb2 as run,
)
from lensd._proto import (
    sessions_pb2 as sessions,
)
from lensd._proto import (
    store_pb2 as store,
)
from lensd._proto import (
    sweeps_pb2 as sweeps,
)
from lensd._proto import (
    weights_pb2 as weights,
)

NAN = float("nan")
ZERO, MEAN = edits.ACTION_ZERO, edits.ACTION_MEAN


def text(value: str) -> bytes:
    return value.encode()


TOKENS = [
    common.Token(id=0, text=text("<|endoftext|>")),
    common.Token(id=4095, text=text(" ünd\0\ufffd")),
    common.Token(id=2**31 - 1),
]
PROMPTS = [
    common.Prompt(text=common.TextPrompt(text=text("Once upon a time"))),
    common.Prompt(text=common.TextPrompt(no_bos=True)),
    common.Prompt(tokens=common.TokenPrompt(ids=[0, 1, 4095])),
    common.Prompt(tokens=common.TokenPrompt()),
]
def heads(*numbers: int) -> edits.Indices:
    return edits.Indices(list=edits.IndexList(indices=numbers))

HEAD_SCORES = inference.HeadScores(
    layer=1, head=2, to_self=0.1, to_previous=0.2, distance=3, to_distance=0.3, to_first=0.4, to_duplicate=0.5,
    to_induction=0.6, even_duplicate=0.05, even_induction=0.06, entropy=0.7, structure=1.5, position=0.25,
    detect_previous=0.8, detect_duplicate=0.9, detect_induction=1,
    kinds=[
        inference.HeadFinding(kind=b"distance", distance=3, score=0.3, why="ü".encode()),
        inference.HeadFinding(kind=b"broad", score=0.7),
    ],
)


def floats(shape: list[int], *values: float) -> edits.Operand:
    return edits.Operand(shape=shape, values=struct.pack(f"<{len(values)}f", *values))


INTERVENTIONS = [
    edits.Intervention(hook=b"blocks.0.attn.hook_z", action=ZERO, heads=heads(8, 0)),
    edits.Intervention(hook=b"pattern0", action=MEAN),
    edits.Intervention(
        hook=b"z", action=MEAN, layers=edits.Indices(range=common.SliceRange(start=0, stop=-1, step=2)),
        source=edits.EditSource(prompts=edits.PromptList(prompts=PROMPTS[:1])),
    ),
    edits.Intervention(
        hook=b"resid_pre0", action=edits.ACTION_SET, positions=edits.Indices(index=-1), operand=floats([2], 0.5, -1)
    ),
    edits.Intervention(hook=b"post0", action=edits.ACTION_ADD, components=heads(3), operand=floats([], 2)),
    edits.Intervention(hook=b"z0", action=edits.ACTION_SCALE, prompts=heads(1), factor=-0.5),
    edits.Intervention(hook=b"resid_post0", action=edits.ACTION_PROJECT, operand=floats([3], 1, 0, -2)),
    edits.Intervention(
        hook=b"z0", action=edits.ACTION_PATCH, heads=edits.Indices(index=2),
        positions=edits.Indices(range=common.SliceRange(step=1)),
        source=edits.EditSource(run=b"last", prompt=0, positions=heads(2, 1)),
    ),
    edits.Intervention(hook=b"z0", action=edits.ACTION_PATCH, source=edits.EditSource(run=b"last")),
    edits.Intervention(hook=b"mlp_out0", action=edits.ACTION_SWAP, other_prompt=1),
    edits.Intervention(hook=b"pattern0", action=edits.ACTION_MASK, sources=heads(0)),
]
RAW = b"tinytales-1l@raw"
# `pass` is a word of Python's.
LAST = {"pass": analyses.AnalyzedPass(run=b"last")}
PASS = {"pass": analyses.AnalyzedPass(prompts=inference.PassSource(model=RAW, prompts=PROMPTS))}
EMBED = analyses.ResidualComponent(kind=analyses.COMPONENT_EMBED, label=b"embed")
HEAD = analyses.ResidualComponent(kind=analyses.COMPONENT_HEAD, layer=0, index=3, label=b"L0H3")
SLICE = common.Slice(
    entries=[
        common.SliceEntry(index=-3),
        common.SliceEntry(range=common.SliceRange(step=1)),
        common.SliceEntry(range=common.SliceRange(start=-4, stop=0, step=-2)),
        common.SliceEntry(ellipsis=common.Ellipsis()),
    ]
)
MODEL = models.ModelDescription(
    name=b"tinytales-1l",
    configuration=models.ModelConfiguration(
        original_architecture=b"GPTNeoForCausalLM", n_layers=2, n_heads=16, d_model=256, d_head=16, d_mlp=1024,
        n_ctx=256, d_vocab=4096, act_fn=b"silu", eps=1e-5, attn_scale=1, attn_types=[b"global", b"local"],
        window_size=256, tied_embedding=True, n_key_value_heads=4, normalization_type=b"RMS",
        norm_placement=b"before_and_after", final_rms=True, positional_embedding_type=b"rotary",
        rotary=models.Rotary(
            dim=8, rotary_base=500000, adjacent_pairs=True, scaling=b"llama3", factor=8, low_frequency_factor=1,
            high_frequency_factor=4, original_context=8192,
        ),
        post_embedding_ln=True, embed_scale=16, parallel_attn_mlp=True, gated_mlp=True,
        scale_attn_by_inverse_layer_idx=True, attn_scores_soft_cap=50, output_logits_soft_cap=30, clip_qkv=8,
        qk_norm=b"per_head", processing_steps=[b"fold_ln"],
    ),
    fingerprint=b"f", weight_bytes=1 << 40, parameter_count=2_000_000, is_default=True, bos_token_id=0,
)  # fmt: skip
AMOUNTS = daemon.SharedAmounts(
    connections=1, calls_in_flight=2, queued_jobs=3, sessions=4, stored_bytes=1 << 40, cached_bytes=6
)
STATES = [
    models.ModelState(
        name=b"tinytales-1l", residency=models.RESIDENCY_RESIDENT, is_default=True, is_pinned=True, in_use=True,
        weight_bytes=1 << 40, load_seconds=0.25, is_configured=True,
    ),
    models.ModelState(
        name=b"b", residency=models.RESIDENCY_LOADING,
        progress=models.LoadProgress(done_bytes=1 << 33, total_bytes=1 << 34),
    ),
    models.ModelState(name=b"c", residency=models.RESIDENCY_KNOWN, note=text("was unloaded – ü")),
]  # fmt: skip
SESSION = sessions.SessionSummary(
    id=b"i", name=b"default", address=b"default", created_at=1.5, updated_at=2.5, run_count=3
)
SHARED_SESSION = sessions.SessionSummary(
    id=b"j", name=b"ioi", owner=0xFFFFFFFF, owner_name=text("älice"), address=text("älice/ioi"), created_at=1.5,
    updated_at=2.5, note=b"a\nnote", read_only=True, grant_count=2,
)  # fmt: skip
SESSION_RUNS = [
    sessions.RunSummary(
        id=b"r", kind=b"sweep", session=b"default", created_at=1.5, model=b"m@raw", fingerprint=b"f",
        prompt_count=2, token_count=3, excerpt=text("Once …"), loss=NAN, detail=b"zero of z", note=b"n",
        effects=[
            sessions.SweepEffect(place=b"L0H8", delta=1.25), sessions.SweepEffect(place=b"L0H3+L0H4", delta=-0.5),
        ],
        imported=True, owner=1000,
    ),
    sessions.RunSummary(
        id=b"h", kind=b"run", session=b"default", created_at=1.5, model=b"m", fingerprint=b"f",
        prompt_count=1, token_count=3, loss=1.5, hooked=True, edits=[b"zero z0 head=8", b""],
    ),
]  # fmt: skip
SHAPES = [hooks.TensorShape(sizes=[3, 2**40]), hooks.TensorShape()]
ACTIVATION = hooks.HookedActivation(
    hook=b"blocks.0.attn.hook_z", element_type=b"F32", shapes=SHAPES, lengths=[3, 0]
)
GENERATION = generation.GenerateRequest(
    model=RAW, session=b"s", prompts=PROMPTS, interventions=INTERVENTIONS, unrecorded=True,
    options=generation.GenerationOptions(
        max_new_tokens=20, temperature=0.5, top_k=50, top_p=0.25, freq_penalty=1.5, seed=2**63 - 1,
        ignore_eos=True, eos_token_ids=[0, 4095], stop_strings=[b".", text("ü\n")],
    ),
)
NEW_TOKENS = generation.GenerateEvent(
    tokens=generation.GeneratedBatch(
        prompts=[
            generation.GeneratedTokens(prompt_index=1, tokens=TOKENS[:2], logprobs=[-0.5, -2], text=text(" ü")),
            generation.GeneratedTokens(),
        ]
    )
)

VECTORS = {
    "clientFrames": [
        frame.ClientFrame(hello=frame.ClientHello(protocol_versions=[1, 7], client=b"test/1")),
        frame.ClientFrame(
            call_id=2**32 - 1,
            start=frame.StartCall(
                method=b"/lens.v1.Inference/Run", request=b"\1\2", deadline_ms=1500, window=65536, request_id=b"\0\xff"
            ),
        ),
        frame.ClientFrame(call_id=1, start=frame.StartCall()),
        frame.ClientFrame(call_id=2, message=b""),
        frame.ClientFrame(call_id=2, message=b"\0\xff"),
        frame.ClientFrame(call_id=2, end_stream=frame.EndStream()),
        frame.ClientFrame(call_id=2, cancel=frame.CancelCall()),
        frame.ClientFrame(call_id=2, credit=frame.Credit(bytes=1 << 20)),
        frame.ClientFrame(ping=frame.Ping()),
    ],
    "serverFrames": [
        frame.ServerFrame(
            hello=frame.ServerHello(
                protocol_version=1, server=b"lensd/0", max_request_bytes=1, max_reply_bytes=2**32 - 1
            )
        ),
        frame.ServerFrame(call_id=3, message=b""),
        frame.ServerFrame(call_id=3, message=b"\0\xff"),
        frame.ServerFrame(call_id=3, status=frame.Status()),
        frame.ServerFrame(status=frame.Status(code=15, message=text("ünd\0"))),
        frame.ServerFrame(call_id=3, status=frame.Status(code=8, message=b"full", retry_after_ms=1500)),
        frame.ServerFrame(call_id=3, heartbeat=frame.Heartbeat()),
        frame.ServerFrame(call_id=3, credit=frame.Credit(bytes=5)),
        frame.ServerFrame(pong=frame.Pong()),
    ],
    "tokenizeRequests": [
        inference.TokenizeRequest(model=RAW, prompts=PROMPTS),
        inference.TokenizeRequest(),
    ],
    "tokenizeReplies": [
        inference.TokenizeReply(
            model=b"m", tokens=[common.TokenList(tokens=TOKENS), common.TokenList()], texts=[b"a\0b", b""]
        ),
        inference.TokenizeReply(),
    ],
    "runRequests": [
        run.RunRequest(
            model=RAW, session=b"work", prompts=PROMPTS, interventions=INTERVENTIONS, top_count=10,
            per_token_loss=True, keep_names=[b"z0", b"hook_embed"], unrecorded=True, skip_loss=True,
        ),
        run.RunRequest(session=b"default", keep_all=True),
        run.RunRequest(model=b"@raw", session=b"default"),
    ],
    "runReplies": [
        run.RunReply(
            run_id=b"0123456789abcdef0123456789abcdef",
            model=run.ModelStamp(name=b"m", raw=True, fingerprint=b"f"),
            loss=2.5,
            prompts=[
                run.PromptResult(
                    tokens=TOKENS, loss=1.25, per_token_loss=[0.5, float("inf")],
                    top=[run.Prediction(token=TOKENS[1], logprob=-0.125)],
                ),
                run.PromptResult(loss=NAN),
            ],
        ),
        run.RunReply(model=run.ModelStamp(), loss=NAN),
    ],
    "hookedRunMessages": [
        hooks.HookedRunMessage(
            start=hooks.HookedRunRequest(
                run=run.RunRequest(model=RAW, session=b"default", prompts=PROMPTS, keep_names=[b"z0"], unrecorded=True),
                hooks=[b"z0", b"blocks.1.hook_resid_pre"],
            )
        ),
        hooks.HookedRunMessage(answer=hooks.HookAnswer(unchanged=hooks.HookUnchanged())),
        hooks.HookedRunMessage(answer=hooks.HookAnswer(replacement=hooks.HookReplacement(shapes=SHAPES))),
        hooks.HookedRunMessage(answer=hooks.HookAnswer(replacement=hooks.HookReplacement())),
        hooks.HookedRunMessage(answer=hooks.HookAnswer(values=b"\0\0\x80\x3f")),
    ],
    "hookedRunEvents": [
        hooks.HookedRunEvent(start=hooks.HookedRunStart(model=run.ModelStamp(name=b"m", raw=True, fingerprint=b"f"))),
        hooks.HookedRunEvent(hook=hooks.HookEvent(parked=ACTIVATION)),
        hooks.HookedRunEvent(hook=hooks.HookEvent(kept=ACTIVATION)),
        hooks.HookedRunEvent(hook=hooks.HookEvent(values=b"\0\0\x80\x3f")),
        hooks.HookedRunEvent(
            result=run.RunReply(
                run_id=b"r", model=run.ModelStamp(name=b"m", fingerprint=b"f"), loss=1.5,
                prompts=[run.PromptResult(tokens=TOKENS, loss=1.5)],
            )
        ),
    ],
    "gradientMessages": [
        gradients.GradientMessage(
            start=gradients.GradientRequest(
                model=RAW,
                prompts=PROMPTS,
                interventions=INTERVENTIONS,
                terms=[
                    gradients.GradientTerm(weight=0.5, loss=gradients.LossTerm()),
                    gradients.GradientTerm(loss=gradients.LossTerm(sum=True)),
                    gradients.GradientTerm(
                        weight=-1, logit=gradients.PredictionTerm(prompt_index=1, position=-1, token=7)
                    ),
                    gradients.GradientTerm(weight=1, log_probability=gradients.PredictionTerm(position=3)),
                ],
                cotangents=[b"z0"],
                replacements=[b"resid_pre1", b"z1"],
                wanted=[b"hook_embed"],
                stops=[b"q0"],
            )
        ),
        gradients.GradientMessage(answer=hooks.HookAnswer(replacement=hooks.HookReplacement(shapes=SHAPES))),
    ],
    "gradientEvents": [
        gradients.GradientEvent(
            start=gradients.GradientStart(model=run.ModelStamp(name=b"m", raw=True, fingerprint=b"f"), value=-1.5)
        ),
        gradients.GradientEvent(hook=hooks.HookEvent(parked=ACTIVATION)),
        gradients.GradientEvent(hook=hooks.HookEvent(values=b"\0\0\x80\x3f")),
    ],
    "queryRequests": [
        inference.QueryRequest(run=b"last", hook=b"pattern0", slice=SLICE, prompt_indices=[0, 2]),
        inference.QueryRequest(
            prompts=inference.PassSource(model=RAW, prompts=PROMPTS, interventions=INTERVENTIONS), hook=b"z0"
        ),
        inference.QueryRequest(run=b"", slice=common.Slice()),
    ],
    "queryEvents": [
        inference.QueryEvent(
            header=inference.TensorHeader(
                hook=b"blocks.0.attn.hook_pattern", prompt_index=1, element_type=b"F32", shape=[16, 32, 32],
                model=b"m@raw", fingerprint=b"f", tokens=TOKENS,
            )
        ),
        inference.QueryEvent(header=inference.TensorHeader(hook=b"hook_tokens", element_type=b"I32")),
        inference.QueryEvent(values=b"\0\0\x80\x3f"),
        inference.QueryEvent(values=b""),
    ],
    "sweepRequests": [
        sweeps.SweepRequest(
            model=RAW, session=b"s", prompts=PROMPTS, interventions=[INTERVENTIONS[0]],
            edits=[
                edits.Intervention(
                    hook=b"pattern", action=edits.ACTION_PATCH, heads=heads(3, 0), positions=edits.Indices(index=-1),
                    layers=edits.Indices(range=common.SliceRange(start=1, step=2)),
                    source=edits.EditSource(run=b"last", prompt=1, positions=heads(2, 0)),
                )
            ],
            axes=[1, 2, 3, 4, 5], paired=True,
            metrics=[
                sweeps.Metric(kind=sweeps.METRIC_LOSS),
                sweeps.Metric(kind=sweeps.METRIC_TOKEN_LOSS),
                sweeps.Metric(kind=sweeps.METRIC_LOGIT, tokens=[5], positions=[-2]),
                sweeps.Metric(
                    kind=sweeps.METRIC_LOGIT_DIFFERENCE, tokens=[1, 2], wrong_tokens=[3, 4], positions=[0, -1]
                ),
                sweeps.Metric(kind=sweeps.METRIC_PROBABILITY, tokens=[7]),
                sweeps.Metric(kind=sweeps.METRIC_DIVERGENCE, positions=[1]),
            ],
            path=sweeps.SweepPath(
                receivers=[
                    sweeps.PathReceiver(hook=b"k5", heads=edits.Indices(index=1)),
                    sweeps.PathReceiver(
                        hook=b"mlp_in", layers=heads(2), positions=edits.Indices(index=0),
                        components=edits.Indices(index=9),
                    ),
                ],
                hold_mlps=True,
            ),
            unrecorded=True,
        ),
        sweeps.SweepRequest(
            session=b"default", axes=[1, 2], metrics=[sweeps.Metric(kind=sweeps.METRIC_LOSS)],
            edits=[edits.Intervention(hook=b"z", action=ZERO, layers=edits.Indices(range=common.SliceRange(step=1)))],
        ),
    ],
    "sweepEvents": [
        sweeps.SweepEvent(progress=sweeps.SweepProgress(done=0, total=16)),
        sweeps.SweepEvent(progress=sweeps.SweepProgress(done=16, total=16)),
        sweeps.SweepEvent(
            header=sweeps.SweepReply(
                run_id=b"r", model=run.ModelStamp(name=b"m", fingerprint=b"f"), action=b"patch",
                hooks=[b"z", b"mlp_out"], paired=True,
                tokens=[common.TokenList(tokens=TOKENS), common.TokenList()],
                axes=[
                    sweeps.SweptAxis(axis=sweeps.SWEEP_AXIS_LAYER, entries=[0, 1]),
                    sweeps.SweptAxis(axis=sweeps.SWEEP_AXIS_POSITION, entries=[3, 0]),
                ],
                metrics=[
                    sweeps.MetricBaseline(metric=sweeps.Metric(kind=sweeps.METRIC_LOSS), value=3.5, columns=[3, 4]),
                    sweeps.MetricBaseline(
                        metric=sweeps.Metric(kind=sweeps.METRIC_LOGIT, tokens=[5], positions=[-1]), value=-0.5
                    ),
                ],
            )
        ),
        sweeps.SweepEvent(
            values=sweeps.SweepValues(metric=1, values=[4, -0.5], standard_errors=[0.25, 0], columns=[1, 2, 3, 4])
        ),
        sweeps.SweepEvent(values=sweeps.SweepValues()),
    ],
    "generateRequests": [
        GENERATION,
        generation.GenerateRequest(
            session=b"default", options=generation.GenerationOptions(max_new_tokens=1, top_k=0, top_p=0, seed=0)
        ),
    ],
    "generateEvents": [
        NEW_TOKENS,
        generation.GenerateEvent(
            result=generation.Generation(
                prompt_index=1, tokens=TOKENS, prompt_length=2, logprobs=[-0.5], text=text(" ü"), finish_reason=b"eos"
            )
        ),
        generation.GenerateEvent(
            end=generation.GenerationEnd(
                run_id=b"r", model=run.ModelStamp(name=b"m", raw=True, fingerprint=b"f"),
                options=generation.GenerationOptions(max_new_tokens=20, temperature=1, seed=7),
            )
        ),
    ],
    "hookedGenerateMessages": [
        generation.HookedGenerateMessage(
            start=generation.HookedGenerateRequest(generation=GENERATION, hooks=[b"z0", b"blocks.1.hook_resid_pre"])
        ),
        generation.HookedGenerateMessage(answer=hooks.HookAnswer(unchanged=hooks.HookUnchanged())),
        generation.HookedGenerateMessage(answer=hooks.HookAnswer(values=b"\0\0\x80\x3f")),
    ],
    "hookedGenerateEvents": [
        generation.HookedGenerateEvent(hook=hooks.HookEvent(parked=ACTIVATION)),
        generation.HookedGenerateEvent(hook=hooks.HookEvent(values=b"\0\0\x80\x3f")),
        generation.HookedGenerateEvent(generation=NEW_TOKENS),
    ],
    "scoreHeadsRequests": [inference.ScoreHeadsRequest(model=RAW, prompts=PROMPTS)],
    "scoreHeadsReplies": [
        inference.ScoreHeadsReply(
            model=b"m", fingerprint=b"f", tokens=[common.TokenList(tokens=TOKENS)],
            heads=[
                HEAD_SCORES,
            ],
        )
    ],
    "splitScoreRequests": [
        analyses.SplitScoreRequest(layer=1, head=2, detail=analyses.SPLIT_DETAIL_GROUPS, **LAST),
        analyses.SplitScoreRequest(
            prompt_index=3, layer=4, head=5, destinations=[-1, 0], sources=[2],
            detail=analyses.SPLIT_DETAIL_COMPONENTS, relative=True, top_count=6, **PASS,
        ),
    ],
    "splitScoreReplies": [
        analyses.SplitScoreReply(
            model=run.ModelStamp(name=b"m", raw=True, fingerprint=b"f"), tokens=TOKENS, destinations=[1],
            sources=[0, 2], components=[EMBED, HEAD], scores=[0.5, -math.inf], pattern=[1, 0],
            terms=[1, 0, 2, 0, 3, 0, -5.5, 0], position_bias=[-0.5, 0], soft_cap=50, rotary=True,
            top=[analyses.ScorePair(query=HEAD, key=EMBED, value=3)],
        ),
        analyses.SplitScoreReply(
            model=run.ModelStamp(name=b"m", fingerprint=b"f"),
            components=[
                analyses.ResidualComponent(kind=analyses.COMPONENT_MLP, label=b"mlp_out"),
                analyses.ResidualComponent(kind=analyses.COMPONENT_ATTENTION, layer=2, label=b"2_attn_out"),
            ],
        ),
    ],
    "attributeRequests": [
        analyses.AttributeRequest(detail=analyses.ATTRIBUTION_DETAIL_LAYERS, **LAST),
        analyses.AttributeRequest(
            tokens=[5, 6], wrong_tokens=[7, 8], positions=[-1, 0], detail=analyses.ATTRIBUTION_DETAIL_NEURONS,
            top_count=9, with_mid=True, **PASS,
        ),
    ],
    "attributeReplies": [
        analyses.AttributeReply(
            model=run.ModelStamp(name=b"m", raw=True, fingerprint=b"f"), components=[EMBED, HEAD],
            prompts=[
                analyses.PromptAttribution(
                    tokens=TOKENS, positions=[2], answers=TOKENS[:1], wrong=TOKENS[1:2], totals=[1.5],
                    terms=[1, 0.5], neuron_layers=[1], neurons=[2], neuron_terms=[-0.5],
                )
            ],
        )
    ],
    "reduceRequests": [
        analyses.ReduceRequest(
            reductions=[
                analyses.Reduction(hook=b"pattern", kind=analyses.REDUCTION_ENTROPY),
                analyses.Reduction(hook=b"pattern0", kind=analyses.REDUCTION_DIAGONAL, offset=-3),
                analyses.Reduction(hook=b"post0", kind=analyses.REDUCTION_TOP, count=4),
            ],
            **LAST,
        )
    ],
    "reduceReplies": [
        analyses.ReduceReply(
            model=run.ModelStamp(name=b"m", fingerprint=b"f"),
            prompts=[
                analyses.ReducedPrompt(
                    tokens=TOKENS,
                    activations=[
                        analyses.ReducedActivation(
                            hook=b"h", reduction=1, shape=[2, 1], values=[1, NAN], indices=[7, 0]
                        )
                    ],
                )
            ],
        )
    ],
    "detectHeadsRequests": [
        analyses.DetectHeadsRequest(
            kinds=[
                analyses.DETECTED_HEAD_PREVIOUS_TOKEN, analyses.DETECTED_HEAD_DUPLICATE_TOKEN,
                analyses.DETECTED_HEAD_INDUCTION,
            ],
            measure=analyses.DETECTION_MEASURE_MUL, **LAST,
        ),
        analyses.DetectHeadsRequest(
            kinds=[analyses.DETECTED_HEAD_INDUCTION, analyses.DETECTED_HEAD_TARGET],
            measure=analyses.DETECTION_MEASURE_ABS, exclude_bos=True, exclude_current_token=True,
            target=[1, 0, 0.5, 1], **PASS,
        ),
    ],
    "detectHeadsReplies": [
        analyses.DetectHeadsReply(
            model=run.ModelStamp(name=b"m", raw=True, fingerprint=b"f"), tokens=[common.TokenList(tokens=TOKENS)],
            detections=[
                analyses.HeadDetection(kind=analyses.DETECTED_HEAD_PREVIOUS_TOKEN, scores=[0.5, NAN])
            ],
        )
    ],
    "scoreInductionRequests": [
        analyses.ScoreInductionRequest(model=RAW, length=5, batch=6, seed=2**64 - 1, prepend_bos=True)
    ],
    "scoreInductionReplies": [
        analyses.ScoreInductionReply(
            model=run.ModelStamp(name=b"m", raw=True, fingerprint=b"f"),
            sequences=[common.TokenPrompt(ids=[1, 2, 1, 2]), common.TokenPrompt()], scores=[0.25, 0.5],
        )
    ],
    "logitLensRequests": [
        analyses.LogitLensRequest(**LAST),
        analyses.LogitLensRequest(
            positions=[-1, 3], layers=[-2], with_mid=True, top_count=7, tokens=[0, 4095], **PASS
        ),
    ],
    "logitLensReplies": [
        analyses.LogitLensReply(
            model=run.ModelStamp(name=b"m", raw=True, fingerprint=b"f"),
            points=[b"blocks.0.hook_resid_pre", b"blocks.0.hook_resid_post"], vocabulary=TOKENS, tokens=[4095],
            top_count=1,
            prompts=[
                analyses.PromptLens(
                    tokens=TOKENS, positions=[2], top_tokens=[0, 4095], top_logprobs=[-0.5, -0.25],
                    log_sums=[1, 2], entropies=[3, 4], divergences=[0.5, 0], next_logprobs=[-1, -2],
                    next_ranks=[-1, 3], token_logprobs=[-3, -4], token_ranks=[5, 0],
                )
            ],
        )
    ],
    "headAtlasRequests": [
        atlas.HeadAtlasRequest(
            model=RAW, prompts=PROMPTS, ablation=atlas.HEAD_ABLATION_MEAN, pair_count=5, with_page=True,
            title="ü".encode(),
        ),
        atlas.HeadAtlasRequest(model=RAW),
    ],
    "headAtlasEvents": [
        atlas.HeadAtlasEvent(progress=atlas.HeadAtlasProgress(phase=b"repeats", done=3, total=6)),
        atlas.HeadAtlasEvent(
            header=atlas.HeadAtlasHeader(
                model=run.ModelStamp(name=b"m", raw=True, fingerprint=b"f"), built_in_corpus=True, prompt_count=2,
                token_count=30, prediction_count=28, baseline_loss=0.5, ablation=atlas.HEAD_ABLATION_ZERO,
                repeated_length=50,
            )
        ),
        atlas.HeadAtlasEvent(
            heads=atlas.HeadProfileList(
                heads=[
                    atlas.HeadProfile(
                        scores=HEAD_SCORES, repeats=atlas.RepeatScores(duplicate=0.1, induction=0.2), tokens=0.3,
                        by_distance=[0.5, 0.25],
                        pairs=[atlas.TokenPair(destination=TOKENS[0], source=TOKENS[1], weight=0.75, places=7)],
                        loss=2, delta=1.5, standard_error=0.25, copying=-0.5,
                    ),
                    atlas.HeadProfile(scores=HEAD_SCORES),
                ]
            )
        ),
        atlas.HeadAtlasEvent(page=b"<\xc3\xbc"),
    ],
    "parameterRequests": [
        weights.ParameterRequest(
            model=RAW, name=b"blocks.0.attn.W_Q",
            slice=common.Slice(
                entries=[common.SliceEntry(index=-1), common.SliceEntry(ellipsis=common.Ellipsis())]
            ),
        ),
        weights.ParameterRequest(model=b"m", name=b"W_E"),
    ],
    "parameterLists": [
        weights.ListParametersReply(
            model=b"m@raw", fingerprint=b"f",
            parameters=[
                weights.ParameterShape(name=b"embed.W_E", shape=[4096, 256]),
                weights.ParameterShape(name=b"unembed.b_U", shape=[7]),
            ],
        )
    ],
    "circuitRequests": [
        weights.CircuitRequest(
            model=RAW, kind=weights.CIRCUIT_KIND_QK,
            heads=[weights.HeadPlace(layer=1, head=2), weights.HeadPlace()], tokens=[0, 4095], top_count=7,
            smallest=True,
        ),
        weights.CircuitRequest(model=b"m", kind=weights.CIRCUIT_KIND_OV),
    ],
    "circuitEvents": [
        weights.CircuitEvent(progress=weights.WeightProgress(done=1, total=2)),
        weights.CircuitEvent(
            header=weights.CircuitHeader(
                model=run.ModelStamp(name=b"m", raw=True, fingerprint=b"f"), kind=weights.CIRCUIT_KIND_QK
            )
        ),
        weights.CircuitEvent(
            head=weights.HeadCircuit(
                layer=1, head=2, score=-0.5, bare_score=math.nan, eigenvalues_real=[-2, 1],
                eigenvalues_imaginary=[0.5, 0],
            )
        ),
        weights.CircuitEvent(
            entries=weights.CircuitEntryList(
                entries=[
                    weights.CircuitEntry(row=TOKENS[0], column=TOKENS[1], value=1.5),
                    weights.CircuitEntry(row=TOKENS[1], column=TOKENS[1], value=-0.25),
                ]
            )
        ),
    ],
    "compositionRequests": [
        weights.CompositionRequest(model=RAW, kind=weights.COMPOSITION_KIND_V),
        weights.CompositionRequest(kind=weights.COMPOSITION_KIND_Q),
    ],
    "weightEvents": [
        weights.WeightEvent(progress=weights.WeightProgress(done=1, total=2)),
        weights.WeightEvent(
            header=weights.WeightHeader(name=b"W_E", shape=[2, 1], model=b"m", fingerprint=b"f")
        ),
        weights.WeightEvent(values=b"\x00\x00\x80\x3f"),
    ],
    "daemonStatuses": [
        daemon.DaemonStatusReply(
            lensd_version=b"0.1.0", protocol_version=1, blas=b"OpenBLAS 0.3.21", sqlite=b"3.40.1",
            uptime_seconds=1.5, process_id=42, resident_bytes=1 << 33, models=[MODEL], queued_jobs=1, running_jobs=2,
            cache_bytes=3, cache_capacity_bytes=4, threads=2, connections=7, model_states=STATES,
            weight_bytes=5 << 30, weight_budget_bytes=6 << 30, own=AMOUNTS, quota=daemon.SharedAmounts(),
        )
    ],
    "usages": [
        daemon.UsageReply(
            users=[
                daemon.UserUsage(amounts=daemon.SharedAmounts()),
                daemon.UserUsage(user_id=2**32 - 1, amounts=AMOUNTS),
            ],
            quota=AMOUNTS,
        ),
        daemon.UsageReply(quota=daemon.SharedAmounts()),
    ],
    "activityRequests": [daemon.ActivityRequest(all=True), daemon.ActivityRequest()],
    "activities": [
        daemon.ActivityReply(
            calls=[
                daemon.CallInFlight(
                    user_id=1000, method=b"/lens.v1.Inference/Run", seconds=1.5, queued=True, request=b"12.3"
                ),
                daemon.CallInFlight(),
            ],
            calls_in_flight=3, calls_ended=1 << 40, calls_failed=5,
            engine=daemon.EngineTotals(passes=1, rows=2, cache_hits=3, cache_misses=4),
        ),
        daemon.ActivityReply(),
    ],
    "modelLists": [models.ListModelsReply(models=[MODEL], states=STATES), models.ListModelsReply()],
    "describeRequests": [
        models.DescribeModelRequest(model=RAW), models.DescribeModelRequest(),
        models.DescribeModelRequest(model=b"@raw"),
    ],
    "modelDetails": [
        models.DescribeModelReply(
            model=MODEL, raw=True,
            hooks=[
                models.HookShape(
                    name=b"blocks.{l}.attn.hook_pattern", layers=[0, 1],
                    axes=[
                        models.HookAxis(name=b"n_heads", size=16), models.HookAxis(name=b"pos"),
                        models.HookAxis(name=b"source_pos"),
                    ],
                ),
                models.HookShape(name=b"hook_tokens", axes=[models.HookAxis(size=1)], on_demand=True),
            ],
            steps=[
                models.ProcessingStep(name=b"fold_ln", applied=True),
                models.ProcessingStep(name=b"center_unembed", detail=b"logits are capped"),
            ],
        )
    ],
    "modelNames": [models.LoadModelRequest(name=b"gpt2-small_1.0")],
    "renames": [models.RenameModelRequest(name=b"a", new_name=b"b-2")],
    "loadEvents": [
        models.LoadModelEvent(progress=models.LoadProgress(done_bytes=1, total_bytes=1 << 40)),
        models.LoadModelEvent(model=MODEL),
    ],
    "sessionDetails": [
        sessions.ShowSessionReply(session=SESSION),
        sessions.ShowSessionReply(session=SHARED_SESSION, runs=SESSION_RUNS, more=True),
    ],
    "sessionPages": [
        sessions.ListSessionsReply(),
        sessions.ListSessionsReply(sessions=[SESSION, SHARED_SESSION], total=7),
    ],
    "sessionFindings": [
        sessions.SearchSessionsReply(sessions=[SESSION], runs=SESSION_RUNS, more=True),
        sessions.SearchSessionsReply(),
    ],
    "grants": [
        sessions.GrantsReply(),
        sessions.GrantsReply(grants=[sessions.SessionGrant(user_id=1007, user=b"bob", created_at=1.5)]),
    ],
    "shares": [sessions.ShareSessionRequest(name=b"ioi", user=b"bob")],
    "notes": [
        sessions.SetNoteRequest(session=b"ioi", text=text("ü\n")),
        sessions.SetNoteRequest(run=text("älice/ioi:last")),
    ],
    "exportEvents": [
        sessions.ExportEvent(
            session=sessions.ExportedSession(session=SHARED_SESSION, run_count=1 << 40, lensd_version=b"0.1.0")
        ),
        sessions.ExportEvent(part=sessions.SessionFilePart(json=b"{}", last=True)),
        sessions.ExportEvent(part=sessions.SessionFilePart()),
    ],
    "importMessages": [
        sessions.ImportMessage(start=sessions.ImportStart(name=b"ioi", note=b"n")),
        sessions.ImportMessage(part=sessions.SessionFilePart(json=b"{")),
    ],
    "importEvents": [
        sessions.ImportEvent(run_count=0),
        sessions.ImportEvent(run_count=7),
        sessions.ImportEvent(session=SESSION),
    ],
    "replayRequests": [sessions.ReplaySessionRequest(name=b"ioi", runs=[b"3f9c"], into=b"again")],
    "replayEvents": [
        sessions.ReplayEvent(progress=sessions.ReplayProgress(total=3)),
        sessions.ReplayEvent(
            run=sessions.ReplayedRun(
                id=b"r", kind=b"sweep", excerpt=text("Once …"), outcome=b"skipped", loss_difference=NAN,
                largest_difference=NAN, remark=b"why",
            )
        ),
        sessions.ReplayEvent(
            run=sessions.ReplayedRun(
                id=b"h", kind=b"generation", outcome=b"differs", loss_difference=0.5, largest_difference=1.5,
                fingerprint=b"f", recorded_as=b"n",
            )
        ),
    ],
    "attentionPageRequests": [
        reports.AttentionPageRequest(
            model=RAW, prompt=PROMPTS[0], with_ablation=True, action=MEAN, title=b"<script>"
        ),
        reports.AttentionPageRequest(prompt=PROMPTS[2], action=ZERO),
    ],
    "storeUsages": [
        store.StoreUsageReply(
            accounts=[
                store.StoredAccount(
                    uid=1000, name=text("änna"), present=True, session_count=2, run_count=3, stored_bytes=1 << 33,
                    first_seen_at=1.5, last_used_at=2.5,
                ),
                store.StoredAccount(uid=2**32 - 2),
            ],
            account_count=3, session_quota=1000, stored_quota_bytes=1 << 30, retention_days=90, file_bytes=1 << 34,
            free_bytes=4096,
        ),
        store.StoreUsageReply(retention_bytes=1 << 20),
    ],
    "purgeRequests": [
        store.PurgeRequest(uid=1000),
        store.PurgeRequest(account=store.AccountChoice(name=text("änna"))),
        store.PurgeRequest(uid=7, account=store.AccountChoice(name=b"")),
        store.PurgeRequest(uid=7, account=store.AccountChoice(every=True)),
    ],
    "purgeReplies": [store.PurgeReply(run_count=1 << 33)],
    "reassignRequests": [
        store.ReassignRequest(uid=1000, new_uid=2000),
        store.ReassignRequest(uid=1000, account=store.AccountChoice(name=b"anna"), new_uid=1000),
    ],
    "storeChecks": [
        store.CheckStoreReply(run_count=7, bytes=1 << 33),
        store.CheckStoreReply(complaints=[b"row 3 missing", b""]),
    ],
    "backupEvents": [
        store.BackupEvent(total_bytes=0), store.BackupEvent(total_bytes=1 << 33), store.BackupEvent(content=b""),
        store.BackupEvent(content=b"\0\xff"),
    ],
}  # fmt: skip


def main() -> None:
    rows = []
    for name, messages in VECTORS.items():
        for index, message in enumerate(messages):
            rows.append(
                {
                    "name": f"{name}[{index}]",
                    "message": message.DESCRIPTOR.full_name,
                    "hex": message.SerializeToString(deterministic=True).hex(),
                    "fields": json_format.MessageToDict(message, preserving_proto_field_name=True),
                }
            )
    path = pathlib.Path(__file__).with_name("messages.json")
    path.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
