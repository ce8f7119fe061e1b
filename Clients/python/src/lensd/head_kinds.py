"""What heads do: the methods of both clients' models for it."""

from __future__ import annotations

from lensd._proto import heads_pb2
from lensd.activations import check_fingerprint
from lensd.described_model import DescribedModel
from lensd.head_atlas import HeadAtlas, Progress, read_atlas, tell_phase
from lensd.head_scores import HeadScores
from lensd.interventions import Kind
from lensd.methods import HEAD_ATLAS, SCORE_HEADS
from lensd.prompts import Input, prompts_of
from lensd.questions import Question, question, unary, whole

_ABLATIONS = {"zero": heads_pb2.HEAD_ABLATION_ZERO, "mean": heads_pb2.HEAD_ABLATION_MEAN}


class HeadKinds(DescribedModel):
    """The part of a model that says what its heads are."""

    @question
    def head_scores(self, input: Input, prepend_bos: bool | None = True) -> Question[HeadScores]:
        """How much each head's pattern looks like each of the simple kinds, over all prompts."""
        self._refuse_hooks("head_scores")
        reply = yield from unary(SCORE_HEADS, self._scores_request(input, prepend_bos))
        check_fingerprint(self.fingerprint, reply.fingerprint)
        return HeadScores.of(reply, (self.cfg.n_layers, self.cfg.n_heads), self._arrays)

    @question
    def head_atlas(
        self,
        input: Input | None = None,
        kind: Kind | None = "zero",
        pairs: int = 8,
        title: str = "",
        prepend_bos: bool | None = True,
        progress: Progress | None = None,
    ) -> Question[HeadAtlas]:
        """Says of every head what it does and what it is called, with the evidence and a page.

        Without `input` (a prompt, a list of them, tokens; 1 MiB at most) the daemon's own stories are read. `kind` is
        how heads are ablated for their change of the loss, which takes longest; None leaves it out. `pairs` is how many
        token pairs are told of each head, at most 64. `progress` is called with (phase, done, total), the phase being
        "patterns", "repeats", "pairs", "copying" or "ablation"; what it raises cancels the call.
        """
        self._refuse_hooks("head_atlas")
        request = heads_pb2.HeadAtlasRequest(
            model=self.name.encode(),
            prompts=[] if input is None else prompts_of(input, prepend_bos),
            ablation=heads_pb2.HEAD_ABLATION_NONE if kind is None else _ABLATIONS[kind],
            pair_count=pairs,
            with_page=True,
            title=title.encode(),
        )
        events = yield from whole(HEAD_ATLAS, request, lambda event: tell_phase(event, progress))
        atlas = read_atlas(events)
        check_fingerprint(self.fingerprint, atlas.fingerprint.encode())
        return atlas
