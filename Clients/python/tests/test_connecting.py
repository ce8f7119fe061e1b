"""Finding a daemon and greeting it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from scripted_server import Peer, hang_up, serving

import lensd
import lensd.call_state
import lensd.connection
from lensd._proto.frame_pb2 import ClientFrame, ServerFrame, ServerHello
from lensd.channel import Channel, candidates


def test_paths_that_are_no_sockets(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for name in ("absent", "file"):
        with pytest.raises(lensd.Unavailable, match=f"no daemon answers at {tmp_path / name}"):
            Channel(tmp_path / name)
    with pytest.raises(lensd.InvalidArgument, match="1 to 107 bytes; received 200"):
        Channel("x" * 200)
    with pytest.raises(lensd.InvalidArgument):
        Channel("")


def speak_http(peer: Peer) -> None:
    peer.read()
    peer.raw(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def speak_a_later_version(peer: Peer) -> None:
    peer.read()
    peer.send(ServerFrame(hello=ServerHello(protocol_version=9)))


def refuse(peer: Peer) -> None:
    peer.read()
    peer.status(0, 7, "uid 65534 is refused")


def refuse_at_once(peer: Peer) -> None:
    peer.status(0, 8, "a user may have 1 connections", 100)


def answer_without_hello(peer: Peer) -> None:
    peer.read()
    peer.status(1)


@pytest.mark.parametrize(
    ("script", "error", "message"),
    [
        (hang_up, lensd.Unavailable, "hung up on a Hello"),
        (speak_http, lensd.Internal, "announced 1213486160"),
        (speak_a_later_version, lensd.Unavailable, "version 9; this client knows 1"),
        (refuse, lensd.PermissionDenied, "65534"),
        (refuse_at_once, lensd.ResourceExhausted, "1 connections"),
        (answer_without_hello, lensd.Unavailable, "it sent no Hello"),
    ],
)
def test_servers_that_are_no_lensd(
    path: Path, script: Callable[[Peer], None], error: type[lensd.LensError], message: str
) -> None:
    with serving(path, script, greets=False) as at, pytest.raises(error, match=message):
        Channel(at)


def test_silent_server(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lensd.connection, "HELLO_SECONDS", 0.2)

    def script(peer: Peer) -> None:
        frame: ClientFrame | None = peer.expect("hello")
        while frame is not None:
            frame = peer.read()

    with (
        serving(path, script, greets=False) as at,
        pytest.raises(lensd.Unavailable, match=r"did not answer a Hello within 0\.2 s"),
    ):
        Channel(at)


def test_sockets_that_are_tried(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LENSD_SOCKET", "/a/b.sock")
    assert candidates() == ["/a/b.sock"]
    monkeypatch.delenv("LENSD_SOCKET")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert candidates() == [f"{tmp_path}/lensd/lensd.sock", "/run/lensd/lensd.sock"]
    monkeypatch.setattr("lensd.channel.MACHINE_SOCKET", str(tmp_path / "machine"))
    with pytest.raises(lensd.Unavailable) as caught:
        lensd.connect()
    assert f"{tmp_path}/lensd/lensd.sock" in str(caught.value)
    assert str(tmp_path / "machine") in str(caught.value)
    assert "lensctl up" in str(caught.value)


def test_first_socket_that_answers_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("LENSD_SOCKET", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr("lensd.channel.MACHINE_SOCKET", str(tmp_path / "machine"))
    with serving(tmp_path / "machine", hang_up) as at, lensd.connect() as client:
        assert client.path == at
