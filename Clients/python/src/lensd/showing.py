"""Passes for people: the methods of both clients' models whose results show themselves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from lensd._proto.common_pb2 import Prompt
from lensd.activations import check_fingerprint
from lensd.described_model import DescribedModel
from lensd.intervention_messages import intervention_messages
from lensd.interventions import Intervention, Kind
from lensd.methods import ATTENTION_PAGE, RUN
from lensd.page import AttentionPage
from lensd.prompts import Input, prompts_of
from lensd.questions import Question, question, unary, whole

if TYPE_CHECKING:
    from lensd.run import Run


class Showing(DescribedModel):
    """The part of a model that shows what became of prompts."""

    @question
    def run(
        self,
        input: Input,
        interventions: Iterable[Intervention] = (),
        *,
        top: int = 5,
        prepend_bos: bool | None = True,
    ) -> Question[Run]:
        """Runs prompts: their tokens, the loss of each, and the `top` likeliest next tokens, as a table and a picture.

        Runs under edits, and without hook functions: these raise `FailedPrecondition`.
        """
        from lensd.run import Run

        edits = intervention_messages((*self._standing_edits("run"), *interventions), self.name)
        request = self._run_request(prompts_of(input, prepend_bos), edits, "loss", loss_per_token=True, keep=[])
        request.top_count = top
        reply = yield from unary(RUN, request)
        check_fingerprint(self.fingerprint, reply.model.fingerprint)
        return Run.of(reply, self._arrays)

    @question
    def attention_html(
        self,
        text_or_tokens: Input,
        with_ablation: bool = True,
        kind: Kind = "zero",
        title: str = "",
        prepend_bos: bool | None = True,
    ) -> Question[AttentionPage]:
        """A page with the attention patterns of all heads of one prompt, and what ablating each does to the loss."""
        self._refuse_hooks("attention_html")
        return self._page(prompts_of(text_or_tokens, prepend_bos), with_ablation, kind, title)

    @question
    def _attention_page(self, prompts: list[Prompt]) -> Question[AttentionPage]:
        return self._page(prompts, False, "zero", "")

    def _page(self, prompts: list[Prompt], with_ablation: bool, kind: Kind, title: str) -> Question[AttentionPage]:
        chunks = yield from whole(ATTENTION_PAGE, self._page_request(prompts, with_ablation, kind, title))
        return AttentionPage(b"".join(chunk.html for chunk in chunks).decode())
