"""The page that the daemon renders for clients without the report library."""

from __future__ import annotations

import pytest
from lensd._proto.common_pb2 import Prompt, TextPrompt, TokenPrompt
from lensd._proto.interventions_pb2 import ACTION_ZERO
from lensd._proto.reports_pb2 import AttentionPageRequest
from lensd.methods import ATTENTION_PAGE

from daemon import Daemon


def page(daemon: Daemon, request: AttentionPageRequest) -> str:
    with daemon.connect() as client:
        return b"".join(chunk.html for chunk in client.channel.stream(ATTENTION_PAGE, request)).decode()


@pytest.mark.parametrize("with_ablation", [False, True])
def test_a_page_is_whole_and_self_contained(shared: Daemon, with_ablation: bool) -> None:
    prompt = Prompt(tokens=TokenPrompt(ids=range(48)))
    html = page(
        shared,
        AttentionPageRequest(prompt=prompt, with_ablation=with_ablation, action=ACTION_ZERO, title=b"A <b>title</b>"),
    )
    assert html.lstrip().lower().startswith("<!doctype html>")
    assert html.rstrip().lower().endswith("</html>")
    assert "<b>title" not in html
    assert "http://" not in html.replace("http://www.w3.org", "")
    assert 'src="' not in html
    assert "tiny" in html


def test_what_was_typed_is_only_text(shared: Daemon) -> None:
    text = b"</script><script>alert(1)</script><img src=x>"
    html = page(shared, AttentionPageRequest(prompt=Prompt(text=TextPrompt(text=text)), action=ACTION_ZERO))
    assert "<script>alert" not in html
    assert "<img" not in html
