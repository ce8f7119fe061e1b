"""Analyses of passes, made by the daemon: the methods of `Model` for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import index
from typing import Any, Literal

import numpy as np

from lensd._proto import analyses_pb2 as wire
from lensd._proto.inference_pb2 import PassSource
from lensd.activations import check_fingerprint
from lensd.arrays import Array
from lensd.described_model import DescribedModel
from lensd.detected_heads import DETECTED, DetectedHeads, ErrorMeasure, HeadName
from lensd.errors import InvalidArgument
from lensd.induction_scores import InductionScores
from lensd.intervention_messages import intervention_messages
from lensd.interventions import Intervention
from lensd.logit_attribution import LogitAttribution
from lensd.logit_lens import LogitLens
from lensd.methods import ATTRIBUTE, DETECT_HEADS, LOGIT_LENS, REDUCE, SCORE_INDUCTION, SPLIT_SCORE
from lensd.prompts import Input, prompts_of
from lensd.questions import Question, question, unary
from lensd.reductions import Reduction, Reductions
from lensd.score_split import ScoreSplit

# An id, or the text of one token.
TokenLike = int | str
Positions = int | Iterable[int] | None


class Analysing(DescribedModel):
    """The part of a model that asks what its activations say. What comes back is small: nothing else travels."""

    @question
    def why_attends(
        self,
        input: Input,
        layer: int,
        head: int,
        dest: Positions = None,
        source: Positions = None,
        *,
        detail: Literal["groups", "layers", "components"] = "groups",
        relative: bool = False,
        top: int = 0,
        interventions: Iterable[Intervention] = (),
        prepend_bos: bool | None = True,
    ) -> Question[ScoreSplit]:
        """Why a head attends where it does: its scores split exactly into parts of the query times parts of the key.

        In the first layer the parts are the token ("embed"), the position ("pos_embed") and the bias; later also what
        earlier heads and MLPs wrote: together, by layer, or each head on its own (`detail`). `dest` and `source` are
        positions, all where they are left out. `relative` takes off each term's mean over the sources that the
        destination sees: what is the same for all of them does not decide where the head attends. `top` names the
        largest pairs of components of one destination and one source.
        """
        request = wire.SplitScoreRequest(
            layer=index(layer), head=index(head), destinations=_positions(dest), sources=_positions(source),
            detail=_DETAILS[_one_of("detail", detail, _DETAILS)], relative=relative, top_count=top,
            **self._analyzed(input, interventions, prepend_bos),
        )  # fmt: skip
        reply = yield from unary(SPLIT_SCORE, request)
        check_fingerprint(self.fingerprint, reply.model.fingerprint)
        return ScoreSplit.of(reply, layer, head, self._arrays)

    @question
    def logit_lens(
        self,
        input: Input,
        *,
        top: int = 5,
        pos: Positions = None,
        layers: Positions = None,
        incl_mid: bool = False,
        tokens: TokenLike | Iterable[TokenLike] = (),
        interventions: Iterable[Intervention] = (),
        prepend_bos: bool | None = True,
    ) -> Question[LogitLens]:
        """What the model would predict from each point of the residual stream, through the final norm.

        Before each of `layers` (in its middle too with `incl_mid`) and at the end; `top` tokens are named at each
        place, and `tokens` are ranked there.
        """
        request = wire.LogitLensRequest(
            positions=_positions(pos), layers=_positions(layers), with_mid=incl_mid, top_count=top,
            tokens=(yield from self._token_ids(tokens)), **self._analyzed(input, interventions, prepend_bos),
        )  # fmt: skip
        reply = yield from unary(LOGIT_LENS, request)
        check_fingerprint(self.fingerprint, reply.model.fingerprint)
        return LogitLens.of(reply, self._arrays)

    @question
    def logit_attribution(
        self,
        input: Input,
        answer: TokenLike | Sequence[TokenLike] | None = None,
        wrong: TokenLike | Sequence[TokenLike] | None = None,
        *,
        by: Literal["layer", "head", "neuron", "accumulated"] = "layer",
        pos: int | Iterable[int] = -1,
        top: int = 10,
        incl_mid: bool = False,
        interventions: Iterable[Intervention] = (),
        prepend_bos: bool | None = True,
    ) -> Question[LogitAttribution]:
        """Direct logit attribution: what a logit, or the difference of two, is the sum of.

        `answer` and `wrong` are tokens, one for all prompts or one per prompt; without an answer it is the likeliest
        token at each position. `by` "layer" is `decompose_resid`, "head" has each head on its own, "neuron" names the
        `top` neurons beside the layers, "accumulated" is `accumulated_resid`. The final norm counts with its scale of
        this pass, as in `ActivationCache.logit_attrs`; biases are terms of their own, so that the sum is the logit.
        """
        request = wire.AttributeRequest(
            tokens=(yield from self._token_ids(() if answer is None else answer)),
            wrong_tokens=(yield from self._token_ids(() if wrong is None else wrong)),
            positions=_positions(pos), detail=_ATTRIBUTIONS[_one_of("by", by, _ATTRIBUTIONS)],
            top_count=top if by == "neuron" else 0, with_mid=incl_mid,
            **self._analyzed(input, interventions, prepend_bos),
        )  # fmt: skip
        reply = yield from unary(ATTRIBUTE, request)
        check_fingerprint(self.fingerprint, reply.model.fingerprint)
        return LogitAttribution.of(reply, self._arrays)

    @question
    def reduce(
        self,
        input: Input,
        hook: str,
        reduction: Reduction,
        *,
        offset: int = 0,
        count: int = 10,
        interventions: Iterable[Intervention] = (),
        prepend_bos: bool | None = True,
    ) -> Question[Reductions]:
        """An activation reduced where it is computed, for each prompt and point; "pattern" means that of every layer.

        "entropy" and "norm" are over the last axis, "mean" and "max" over the positions (of patterns the
        destinations), "diagonal" has the entries [dest, dest + offset], "top" the `count` entries of largest size.
        """
        wanted = wire.Reduction(
            hook=hook.encode(), kind=_REDUCTIONS[_one_of("reduction", reduction, _REDUCTIONS)], offset=offset,
            count=count if reduction == "top" else 0,
        )  # fmt: skip
        request = wire.ReduceRequest(reductions=[wanted], **self._analyzed(input, interventions, prepend_bos))
        reply = yield from unary(REDUCE, request)
        check_fingerprint(self.fingerprint, reply.model.fingerprint)
        return Reductions(reply, reduction, self._arrays)

    @question
    def detect_heads(
        self,
        input: Input,
        kinds: HeadName | Sequence[HeadName] | Array | None = None,
        *,
        error_measure: ErrorMeasure = "mul",
        exclude_bos: bool = False,
        exclude_current_token: bool = False,
        interventions: Iterable[Intervention] = (),
        prepend_bos: bool | None = True,
    ) -> Question[DetectedHeads]:
        """TransformerLens's `detect_head` for all heads: scores [layer, head] by kind, the mean over the prompts.

        `kinds` are names, or a lower-triangular target [pos, pos] of one's own, whose scores come as "target". "abs" is
        not rounded to three decimals as there.
        """
        names = {name: kind for name, kind in DETECTED.items() if name != "target"}
        request = wire.DetectHeadsRequest(
            measure=_MEASURES[_one_of("error_measure", error_measure, _MEASURES)], exclude_bos=exclude_bos,
            exclude_current_token=exclude_current_token, **self._analyzed(input, interventions, prepend_bos),
        )  # fmt: skip
        if isinstance(kinds, str):
            kinds = [kinds]
        if kinds is None or isinstance(kinds, (list, tuple)):
            request.kinds.extend(names[_one_of("kinds", kind, names)] for kind in kinds or names)
        else:
            target = np.asarray(kinds.detach().cpu() if hasattr(kinds, "detach") else kinds, np.float32)
            request.kinds.append(wire.DETECTED_HEAD_TARGET)
            request.target.extend(target.ravel().tolist())
        reply = yield from unary(DETECT_HEADS, request)
        check_fingerprint(self.fingerprint, reply.model.fingerprint)
        return DetectedHeads.of(reply, (self.cfg.n_layers, self.cfg.n_heads), self._arrays)

    @question
    def induction_scores(
        self,
        length: int = 50,
        batch: int = 8,
        seed: int = 0,
        *,
        prepend_bos: bool = False,
        interventions: Iterable[Intervention] = (),
    ) -> Question[InductionScores]:
        """The tutorials' induction score: on `length` random tokens that are repeated once, [layer, head].

        The mean over `batch` such sequences of the mean of `pattern.diagonal(1 - length)`.
        """
        edits = intervention_messages((*self._standing_edits("induction_scores"), *interventions), self.name)
        request = wire.ScoreInductionRequest(
            model=self.name.encode(), interventions=edits, length=length, batch=batch, seed=seed,
            prepend_bos=prepend_bos,
        )  # fmt: skip
        reply = yield from unary(SCORE_INDUCTION, request)
        check_fingerprint(self.fingerprint, reply.model.fingerprint)
        return InductionScores.of(reply, (self.cfg.n_layers, self.cfg.n_heads), self._arrays)

    def _analyzed(
        self, input: Input, interventions: Iterable[Intervention], prepend_bos: bool | None
    ) -> dict[str, Any]:
        """The field `pass` of a request: a word of Python's."""
        edits = intervention_messages((*self._standing_edits("an analysis"), *interventions), self.name)
        source = PassSource(model=self.name.encode(), prompts=prompts_of(input, prepend_bos), interventions=edits)
        return {"pass": wire.AnalyzedPass(prompts=source)}


_DETAILS = {
    "groups": wire.SPLIT_DETAIL_GROUPS,
    "layers": wire.SPLIT_DETAIL_LAYERS,
    "components": wire.SPLIT_DETAIL_COMPONENTS,
}
_ATTRIBUTIONS = {
    "layer": wire.ATTRIBUTION_DETAIL_LAYERS,
    "head": wire.ATTRIBUTION_DETAIL_HEADS,
    "neuron": wire.ATTRIBUTION_DETAIL_NEURONS,
    "accumulated": wire.ATTRIBUTION_DETAIL_ACCUMULATED,
}
_REDUCTIONS = {
    "entropy": wire.REDUCTION_ENTROPY,
    "norm": wire.REDUCTION_NORM,
    "mean": wire.REDUCTION_MEAN,
    "max": wire.REDUCTION_MAX,
    "diagonal": wire.REDUCTION_DIAGONAL,
    "diagonal_mean": wire.REDUCTION_DIAGONAL_MEAN,
    "top": wire.REDUCTION_TOP,
}
_MEASURES = {"mul": wire.DETECTION_MEASURE_MUL, "abs": wire.DETECTION_MEASURE_ABS}


def _one_of(name: str, given: str, known: Iterable[str]) -> str:
    """Raises `InvalidArgument` for a word that is none of those known."""
    if given not in known:
        raise InvalidArgument(f"{name} is one of {', '.join(known)}; received {given!r}")
    return given


def _positions(given: Positions) -> list[int]:
    if given is None:
        return []
    return [index(each) for each in given] if isinstance(given, Iterable) else [index(given)]
