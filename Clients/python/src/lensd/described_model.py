"""What a client knows of a model before it asks, and how questions about it are put."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import index
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from lensd._proto.common_pb2 import Prompt
from lensd._proto.generation_pb2 import GenerateRequest, GenerationEnd, GenerationOptions
from lensd._proto.generation_pb2 import Generation as GenerationMessage
from lensd._proto.inference_pb2 import PassSource, ScoreHeadsRequest, TokenizeRequest
from lensd._proto.interventions_pb2 import ACTION_MEAN, ACTION_ZERO
from lensd._proto.interventions_pb2 import Intervention as InterventionMessage
from lensd._proto.models_pb2 import DescribeModelRequest, ModelDescription
from lensd._proto.reports_pb2 import AttentionPageRequest
from lensd._proto.run_pb2 import RunReply, RunRequest
from lensd.arrays import Array, Arrays
from lensd.cache import HookNames
from lensd.config import ModelConfig
from lensd.description import Description
from lensd.errors import InvalidArgument
from lensd.interventions import KINDS, Intervention
from lensd.methods import DESCRIBE, TOKENIZE
from lensd.prompts import Input, prompts_of, text_prompt, token_prompt
from lensd.questions import Question, question, unary
from lensd.token_replies import sole_token

ReturnType: TypeAlias = Literal["logits", "loss", "both"] | None
LOGITS = "unembed.hook_out"

_ACTIONS = {"zero": ACTION_ZERO, "mean": ACTION_MEAN}


class Output(NamedTuple):
    """What `return_type="both"` gives."""

    logits: Array
    loss: Array


class DescribedModel:
    """One form of a resident model: its shape, and the messages that ask about it."""

    def __init__(self, arrays: Arrays, description: ModelDescription, is_raw: bool, session: str | None) -> None:
        self.cfg = ModelConfig.of(description, is_raw)
        self.name = description.name.decode() + ("@raw" if is_raw else "")
        self.fingerprint = description.fingerprint.decode()
        self.parameter_count: int = description.parameter_count
        self.session = session
        self.bos_token_id: int | None = description.bos_token_id if description.HasField("bos_token_id") else None
        self.hook_names = HookNames(
            ((point.name.decode(), point.on_demand) for point in description.hook_points), self.cfg.n_layers
        )
        self._arrays = arrays

    def array(self, values: npt.NDArray[Any]) -> Array:
        """NumPy values as the client's arrays, `connect(arrays=…)`."""
        return self._arrays.array(values)

    def __repr__(self) -> str:
        cfg = self.cfg
        return f"Model({self.name}: {cfg.n_layers} layers x {cfg.n_heads} heads, d_model {cfg.d_model})"

    def _repr_html_(self) -> str:
        from lensd.views.model_view import model_html

        return model_html(self)

    @question
    def describe(self) -> Question[Description]:
        """The configuration, every hook point with its shape, and what was done to the weights; print it to read it."""
        return Description.of((yield from unary(DESCRIBE, self._describe_request())))

    # Questions.

    def _standing_edits(self, asking: str) -> Sequence[Intervention]:  # noqa: ARG002
        """The edits under which the model runs. Raises `FailedPrecondition` where functions are in `asking`'s way."""
        return ()

    def _refuse_hooks(self, asking: str) -> None:
        """Raises `FailedPrecondition` where the model runs under functions or edits that `asking` does not know."""

    def _token_ids(self, tokens: int | str | Iterable[int | str]) -> Question[list[int]]:
        """Ids of tokens that are given as ids or as the texts of single tokens."""
        given = [tokens] if isinstance(tokens, (int, str, np.integer)) else list(tokens)
        ids = []
        for token in given:
            if isinstance(token, str):
                request = self._tokenize_request([text_prompt(token, prepend_bos=False)])
                token = sole_token((yield from unary(TOKENIZE, request)), token)
            ids.append(index(token))
        return ids

    def _describe_request(self) -> DescribeModelRequest:
        return DescribeModelRequest(model=self.name.encode())

    def _tokenize_request(self, prompts: list[Prompt]) -> TokenizeRequest:
        return TokenizeRequest(model=self.name.encode(), prompts=prompts)

    def _texts_request(self, input: str | Sequence[str], prepend_bos: bool | None) -> TokenizeRequest:
        texts = [input] if isinstance(input, str) else list(input)
        if not texts:
            raise InvalidArgument("expected a text or a list of texts; received an empty list")
        return self._tokenize_request([text_prompt(text, prepend_bos) for text in texts])

    def _run_request(
        self,
        prompts: list[Prompt],
        edits: list[InterventionMessage],
        return_type: ReturnType,
        loss_per_token: bool,
        keep: Iterable[str],
    ) -> RunRequest:
        wants_logits, wants_loss = wants(return_type)
        return RunRequest(
            model=self.name.encode(),
            session=(self.session or "").encode(),
            prompts=prompts,
            interventions=edits,
            per_token_loss=wants_loss and loss_per_token,
            keep_names=[name.encode() for name in (*keep, *([LOGITS] if wants_logits else []))],
            unrecorded=self.session is None,
            skip_loss=not wants_loss,
        )

    def _is_one_query(self, prompts: list[Prompt], return_type: ReturnType, keep: Iterable[str]) -> bool:
        """Whether one call is enough: nothing but the logits is asked for, and nothing is recorded.

        Of several prompts a query makes one pass after the other; a run puts them into one.
        """
        return return_type == "logits" and not keep and self.session is None and len(prompts) == 1

    def _generate_request(
        self, input: Input, edits: list[InterventionMessage], options: GenerationOptions, prepend_bos: bool | None
    ) -> GenerateRequest:
        prompts = prompts_of(input, prepend_bos)
        for prompt in prompts:
            # No text at all is begun by BOS, as in TransformerLens.
            is_empty = prompt.WhichOneof("content") == "text" and not prompt.text.text
            if is_empty and not prompt.text.no_bos and self.bos_token_id is not None:
                prompt.CopyFrom(token_prompt([self.bos_token_id]))
        return GenerateRequest(
            model=self.name.encode(),
            session=(self.session or "").encode(),
            prompts=prompts,
            interventions=edits,
            options=options,
            unrecorded=self.session is None,
        )

    def _scores_request(self, input: Input, prepend_bos: bool | None) -> ScoreHeadsRequest:
        return ScoreHeadsRequest(model=self.name.encode(), prompts=prompts_of(input, prepend_bos))

    def _page_request(
        self, prompts: Sequence[Prompt], with_ablation: bool, kind: str, title: str
    ) -> AttentionPageRequest:
        if len(prompts) != 1:
            raise InvalidArgument(f"a page shows one prompt; received {len(prompts)}")
        check_kind(kind)
        return AttentionPageRequest(
            model=self.name.encode(),
            prompt=prompts[0],
            with_ablation=with_ablation,
            action=_ACTIONS[kind],
            title=title.encode(),
        )

    # Answers.

    def _loss(self, reply: RunReply, per_token: bool) -> Array:
        if not per_token:
            return self._arrays.array(np.array(reply.loss, np.float32))
        rows = [np.array(prompt.per_token_loss, np.float32) for prompt in reply.prompts]
        return self._arrays.padded(rows, [len(row) for row in rows])

    def _recipe(self, prompts: list[Prompt], edits: list[InterventionMessage]) -> PassSource:
        return PassSource(model=self.name.encode(), prompts=prompts, interventions=edits)

    def _source_of(self, reply: RunReply, edits: list[InterventionMessage]) -> str | PassSource:
        """Where the activations of a run can be read."""
        if reply.run_id:
            return reply.run_id.decode()
        # As they were run: texts are tokenised once, and the daemon finds what it kept.
        return self._recipe([token_prompt(token.id for token in prompt.tokens) for prompt in reply.prompts], edits)

    def _source_of_generation(
        self, results: Sequence[GenerationMessage], end: GenerationEnd, edits: list[InterventionMessage]
    ) -> str | PassSource:
        if end.run_id:
            return end.run_id.decode()
        return self._recipe([token_prompt(token.id for token in result.tokens) for result in results], edits)

    def _padding(self, options: GenerationOptions) -> int:
        """What stands behind the tokens of a shorter generation."""
        return [*options.eos_token_ids, self.bos_token_id or 0][0]


def wants(return_type: ReturnType) -> tuple[bool, bool]:
    """Whether logits and whether losses are asked for. Raises `InvalidArgument` for another word."""
    if return_type not in ("logits", "loss", "both", None):
        raise InvalidArgument(f'return_type is "logits", "loss", "both" or None; received {return_type!r}')
    return return_type in ("logits", "both"), return_type in ("loss", "both")


def check_kind(kind: str) -> None:
    """Raises `InvalidArgument` for what is no ablation."""
    if kind not in KINDS:
        raise InvalidArgument(f'kind is "zero" or "mean"; received {kind!r}')


def ablation(kind: str, hook: str) -> Intervention:
    """The edit that ablates. Raises `InvalidArgument` for what is no ablation."""
    check_kind(kind)
    return Intervention(hook, kind)  # type: ignore[arg-type]
