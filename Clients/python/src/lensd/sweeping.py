"""The same edit in many places, and scores of heads: the methods of `Model` for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from lensd._proto.sweeps_pb2 import SweepPath
from lensd.activations import check_fingerprint
from lensd.described_model import ablation
from lensd.head_scores import HeadScores
from lensd.interventions import Intervention, Kind, patch
from lensd.metrics import Metric
from lensd.progress import Progress, progress_of
from lensd.prompts import Input, prompts_of
from lensd.sweep import Sweep, read_sweep
from lensd.sweep_requests import Edits, Receivers, path, sweep_request
from lensd.tokenizing import Tokenizing


class Sweeping(Tokenizing):
    """The part of a model that asks what its components are worth."""

    def ablate_heads(
        self,
        input: Input,
        kind: Kind = "zero",
        hook: str = "z",
        prepend_bos: bool | None = True,
        progress: Progress = None,
    ) -> Sweep:
        """Ablates every head in turn, by `hook_z` unless `hook` names another point per head.

        `progress` is called with (done, total) while it runs, and what it raises cancels the sweep; true is a bar
        (`lensd[tqdm]`), false none, and a notebook shows one by itself.
        """
        return self.sweep(
            input, ablation(kind, hook), over=("layer", "head"), prepend_bos=prepend_bos, progress=progress
        )

    def sweep(
        self,
        input: Input,
        edits: Edits,
        over: str | Sequence[str] = "layer",
        metrics: Metric | Iterable[Metric] | None = None,
        *,
        pairs: bool = False,
        under: Iterable[Intervention] = (),
        prepend_bos: bool | None = True,
        progress: Progress = None,
    ) -> Sweep:
        """Makes an edit in many places, each alone, in one call: `sweep(text, lensd.zero("z"), ("layer", "head"))`.

        `edits` (one, or several that are made together) are moved along the axes `over`: "layer", "head", "pos",
        "source", "component"; what an edit says of an axis are the entries to go through, and of the others what is
        edited each time. `metrics` (the loss unless others of `lensd.metrics` are given) are read each time. `pairs`
        edits every two places together; `under` are edits under which everything runs; `progress` is as for
        `ablate_heads`.
        """
        return self._sweep(input, edits, over, metrics, pairs, under, prepend_bos, progress, None)

    def path_patching(
        self,
        input: Input,
        source: Any,
        receivers: Receivers = "logits",
        sender: str = "z",
        over: str | Sequence[str] = ("layer", "head"),
        metrics: Metric | Iterable[Metric] | None = None,
        *,
        hold_mlps: bool = False,
        prepend_bos: bool | None = True,
        progress: Progress = None,
    ) -> Sweep:
        """Path patching from every sender, as in the IOI paper (Wang et al. 2022).

        In a first pass of `input` a sender's activation is taken from `source` (an input or a cache) while all later
        attention, and with `hold_mlps` every later MLP, stays as it was; what the `receivers` get is put into a second
        pass. Receivers are "logits" (then the first pass is read) or parts such as `[("q", 9, 6), ("k", 10, [0, 7])]`.
        """
        where = path(receivers, hold_mlps, self.name)
        edit = patch(sender, source, prepend_bos=prepend_bos)
        return self._sweep(input, edit, over, metrics, False, (), prepend_bos, progress, where)

    def head_scores(self, input: Input, prepend_bos: bool | None = True) -> HeadScores:
        """How much each head's pattern looks like each of the simple kinds, over all prompts."""
        self._hooks.refuse("head_scores")
        reply = self._stubs.inference.score_heads(self._scores_request(input, prepend_bos))
        check_fingerprint(self.fingerprint, reply.fingerprint)
        return HeadScores.of(reply, (self.cfg.n_layers, self.cfg.n_heads), self._arrays)

    def _sweep(
        self,
        input: Input,
        edits: Edits,
        over: str | Sequence[str],
        metrics: Metric | Iterable[Metric] | None,
        pairs: bool,
        under: Iterable[Intervention],
        prepend_bos: bool | None,
        progress: Progress,
        where: SweepPath | None,
    ) -> Sweep:
        self._hooks.refuse("sweep")
        prompts = prompts_of(input, prepend_bos)
        request = sweep_request(
            self.name, self.session, prompts, edits, over, metrics, pairs, under, self.to_single_token
        )
        if where is not None:
            request.path.CopyFrom(where)
        with progress_of(progress, "sweep", "edit") as tell, self._stubs.inference.sweep(request) as stream:
            result = stream.whole(lambda events: read_sweep(events, self._arrays, tell))
        check_fingerprint(self.fingerprint, result.fingerprint.encode())
        return result
