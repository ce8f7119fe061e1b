"""Passes for people: the methods of `Model` whose results show themselves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from lensd._proto.common_pb2 import Prompt
from lensd.activations import check_fingerprint
from lensd.intervention_messages import intervention_messages
from lensd.interventions import Intervention, Kind
from lensd.page import AttentionPage
from lensd.prompts import Input, prompts_of
from lensd.tokenizing import Tokenizing

if TYPE_CHECKING:
    from lensd.run import Run


class Showing(Tokenizing):
    """The part of a model that shows what became of prompts."""

    def run(
        self,
        input: Input,
        interventions: Iterable[Intervention] = (),
        *,
        top: int = 5,
        prepend_bos: bool | None = True,
    ) -> Run:
        """Runs prompts: their tokens, the loss of each, and the `top` likeliest next tokens, as a table and a picture.

        Runs under edits, and without hook functions: these raise `FailedPrecondition`.
        """
        from lensd.run import Run

        if self._hooks.calls() or self._hooks.calls("bwd"):
            self._hooks.refuse("run")
        edits = intervention_messages((*self._hooks.interventions(), *interventions), self.name)
        request = self._run_request(prompts_of(input, prepend_bos), edits, "loss", loss_per_token=True, keep=[])
        request.top_count = top
        reply = self._stubs.inference.run(request)
        check_fingerprint(self.fingerprint, reply.model.fingerprint)
        return Run.of(reply, self._arrays)

    def attention_html(
        self,
        text_or_tokens: Input,
        with_ablation: bool = True,
        kind: Kind = "zero",
        title: str = "",
        prepend_bos: bool | None = True,
    ) -> AttentionPage:
        """A page with the attention patterns of all heads of one prompt, and what ablating each does to the loss."""
        self._hooks.refuse("attention_html")
        return self._attention_page(prompts_of(text_or_tokens, prepend_bos), with_ablation, kind, title)

    def _attention_page(
        self, prompts: list[Prompt], with_ablation: bool = False, kind: Kind = "zero", title: str = ""
    ) -> AttentionPage:
        request = self._page_request(prompts, with_ablation, kind, title)
        with self._stubs.reports.attention_page(request) as page:
            return AttentionPage(page.whole(lambda chunks: b"".join(chunk.html for chunk in chunks)).decode())
