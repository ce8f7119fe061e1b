"""What the weights say without a prompt, computed by the daemon: the methods of both clients' models for it."""

from __future__ import annotations

from collections.abc import Iterable
from operator import index

from lensd._proto import weights_pb2 as wire
from lensd.activations import check_fingerprint
from lensd.circuits import CIRCUITS, CircuitName, HeadCircuit, HeadCircuits
from lensd.composition import COMPOSITIONS, CompositionName, CompositionScores
from lensd.described_model import DescribedModel
from lensd.errors import InvalidArgument
from lensd.incoming_weights import IncomingWeights, Told
from lensd.methods import CIRCUITS as CIRCUITS_METHOD
from lensd.methods import COMPOSITION_SCORES
from lensd.questions import Question, delivery, question, whole

# An id, or the text of one token.
TokenLike = int | str


class WeightAnalysing(DescribedModel):
    """The part of a model that asks what its weights say. Hooks and edits make no difference to it."""

    @question
    def circuit(
        self,
        layer: int,
        head: int,
        kind: CircuitName = "ov",
        *,
        tokens: TokenLike | Iterable[TokenLike] = (),
        top: int = 10,
        smallest: bool = False,
        progress: Told = None,
    ) -> Question[HeadCircuit]:
        """A head's circuit over the vocabulary: its eigenvalues, their score and its largest entries.

        "ov" is W_E W_V W_O W_U, whose score is the copying score; "qk" is (W_E W_Q)(W_E W_K)ᵀ times the scale of the
        scores. Both are as `FactoredMatrix` has them, without positions and norms. The `top` largest entries (or
        `smallest`) are those of the rows `tokens`, or of the whole matrix: that takes seconds for a large vocabulary.
        """
        circuits = yield from self._circuits(kind, [(layer, head)], tokens, top, smallest, progress)
        return circuits.heads[0]

    @question
    def circuits(
        self,
        kind: CircuitName = "ov",
        heads: Iterable[tuple[int, int]] = (),
        *,
        tokens: TokenLike | Iterable[TokenLike] = (),
        top: int = 0,
        smallest: bool = False,
        progress: Told = None,
    ) -> Question[HeadCircuits]:
        """The circuits of some heads, (layer, head), or of all: as `circuit`, without entries unless `top` says.

        `progress` is called with (done, total); what it raises cancels the call.
        """
        return (yield from self._circuits(kind, heads, tokens, top, smallest, progress))

    @question
    def composition_scores(self, kind: CompositionName, *, progress: Told = None) -> Question[CompositionScores]:
        """How much of what each head writes each later one reads by its queries, keys or values ("Q", "K", "V").

        TransformerLens's `all_composition_scores`, without the weights travelling. `progress` is called with (done,
        total) pairs of layers; what it raises cancels the call.
        """
        if kind not in COMPOSITIONS:
            raise InvalidArgument(f"kind is one of {', '.join(COMPOSITIONS)}; received {kind!r}")
        incoming = IncomingWeights(progress)
        request = wire.CompositionRequest(model=self.name.encode(), kind=COMPOSITIONS[kind])
        yield from delivery(COMPOSITION_SCORES, request, incoming)
        header, values = incoming.whole()
        check_fingerprint(self.fingerprint, header.fingerprint)
        return CompositionScores(kind, self._arrays.array(values))

    def _circuits(
        self,
        kind: CircuitName,
        heads: Iterable[tuple[int, int]],
        tokens: TokenLike | Iterable[TokenLike],
        top: int,
        smallest: bool,
        progress: Told,
    ) -> Question[HeadCircuits]:
        if kind not in CIRCUITS:
            raise InvalidArgument(f"kind is one of {', '.join(CIRCUITS)}; received {kind!r}")
        try:
            request = wire.CircuitRequest(
                model=self.name.encode(), kind=CIRCUITS[kind], top_count=top, smallest=smallest,
                heads=[wire.HeadPlace(layer=index(layer), head=index(head)) for layer, head in heads],
                tokens=(yield from self._token_ids(tokens)),
            )  # fmt: skip
        except ValueError as error:
            raise InvalidArgument(f"layers, heads, tokens and top count from 0: {error}") from error

        def tell(event: wire.CircuitEvent) -> None:
            if progress is not None and event.HasField("progress"):
                progress(event.progress.done, event.progress.total)

        events = yield from whole(CIRCUITS_METHOD, request, tell)
        fingerprint, circuits = HeadCircuits.of(events, kind, self._arrays)
        check_fingerprint(self.fingerprint, fingerprint)
        return circuits
