"""What heads do over a corpus: the method of `Model` for it."""

from __future__ import annotations

from lensd._proto import heads_pb2
from lensd.activations import check_fingerprint
from lensd.head_atlas import HeadAtlas, Progress, read_atlas
from lensd.interventions import Kind
from lensd.prompts import Input, prompts_of
from lensd.tokenizing import Tokenizing

_ABLATIONS = {"zero": heads_pb2.HEAD_ABLATION_ZERO, "mean": heads_pb2.HEAD_ABLATION_MEAN}


class HeadKinds(Tokenizing):
    """The part of a model that says what its heads are."""

    def head_atlas(
        self,
        input: Input | None = None,
        kind: Kind | None = "zero",
        pairs: int = 8,
        title: str = "",
        prepend_bos: bool | None = True,
        progress: Progress | None = None,
    ) -> HeadAtlas:
        """Says of every head what it does and what it is called, with the evidence and a page.

        Without `input` (a prompt, a list of them, tokens) the daemon's own stories are read. `kind` is how heads are
        ablated for their change of the loss, which takes longest; None leaves it out. `pairs` is how many token pairs
        are told of each head, at most 64. `progress` is called with (phase, done, total), the phase being "patterns",
        "repeats", "pairs" or "ablation"; what it raises cancels the call.
        """
        self._hooks.refuse("head_atlas")
        request = heads_pb2.HeadAtlasRequest(
            model=self.name.encode(),
            prompts=[] if input is None else prompts_of(input, prepend_bos),
            ablation=heads_pb2.HEAD_ABLATION_NONE if kind is None else _ABLATIONS[kind],
            pair_count=pairs,
            with_page=True,
            title=title.encode(),
        )
        with self._stubs.heads.atlas(request) as stream:
            atlas = stream.whole(lambda events: read_atlas(events, progress))
        check_fingerprint(self.fingerprint, atlas.fingerprint.encode())
        return atlas
