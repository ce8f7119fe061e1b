"""The same edit in many places: the methods of both clients' models for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from lensd._proto.sweeps_pb2 import SweepPath
from lensd.activations import check_fingerprint
from lensd.described_model import DescribedModel, ablation
from lensd.interventions import Intervention, Kind, patch
from lensd.methods import SWEEP
from lensd.metrics import Metric
from lensd.progress import Progress, progress_of
from lensd.prompts import Input, prompts_of
from lensd.questions import Question, question, whole
from lensd.sweep import Sweep, read_sweep, tell_progress
from lensd.sweep_requests import Edits, Receivers, metrics_of, path, sweep_request


class Sweeping(DescribedModel):
    """The part of a model that asks what its components are worth."""

    @question
    def ablate_heads(
        self,
        input: Input,
        kind: Kind = "zero",
        hook: str = "z",
        prepend_bos: bool | None = True,
        progress: Progress = None,
    ) -> Question[Sweep]:
        """Ablates every head in turn, by `hook_z` unless `hook` names another point per head.

        `progress` is called with (done, total) while it runs, and what it raises cancels the sweep; true is a bar
        (`lensd[tqdm]`), false none, and a notebook shows one by itself.
        """
        over = ("layer", "head")
        return self._sweep(input, ablation(kind, hook), over, None, False, (), prepend_bos, progress, None)

    @question
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
    ) -> Question[Sweep]:
        """Makes an edit in many places, each alone, in one call: `sweep(text, lensd.zero("z"), ("layer", "head"))`.

        `edits` (one, or several that are made together) are moved along the axes `over`: "layer", "head", "pos",
        "source", "component"; what an edit says of an axis are the entries to go through, and of the others what is
        edited each time. `metrics` (the loss unless others of `lensd.metrics` are given) are read each time. `pairs`
        edits every two places together; `under` are edits under which everything runs; `progress` is as for
        `ablate_heads`.
        """
        return self._sweep(input, edits, over, metrics, pairs, under, prepend_bos, progress, None)

    @question
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
    ) -> Question[Sweep]:
        """Path patching from every sender, as in the IOI paper (Wang et al. 2022).

        In a first pass of `input` a sender's activation is taken from `source` (an input or a cache) while all later
        attention, and with `hold_mlps` every later MLP, stays as it was; what the `receivers` get is put into a second
        pass. Receivers are "logits" (then the first pass is read) or parts such as `[("q", 9, 6), ("k", 10, [0, 7])]`.
        """
        where = path(receivers, hold_mlps, self.name)
        edit = patch(sender, source, prepend_bos=prepend_bos)
        return self._sweep(input, edit, over, metrics, False, (), prepend_bos, progress, where)

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
    ) -> Question[Sweep]:
        self._refuse_hooks("sweep")
        prompts = prompts_of(input, prepend_bos)
        asked = metrics_of(metrics)
        texts = sorted({text for metric in asked for text in metric.texts})
        tokens = dict(zip(texts, (yield from self._token_ids(texts)), strict=True))
        request = sweep_request(self.name, self.session, prompts, edits, over, asked, pairs, under, tokens.__getitem__)
        if where is not None:
            request.path.CopyFrom(where)
        with progress_of(progress, "sweep", "edit") as tell:
            events = yield from whole(SWEEP, request, lambda event: tell_progress(event, tell))
        result = read_sweep(events, self._arrays)
        check_fingerprint(self.fingerprint, result.fingerprint.encode())
        return result
