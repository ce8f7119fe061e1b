"""What a user does to his sessions beside runs: makes them, deletes them, writes notes; and what must be left of it."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from google.protobuf.message import Message
from lensd._proto.sessions_pb2 import (
    CreateSessionRequest,
    DeleteSessionRequest,
    ListSessionsReply,
    ListSessionsRequest,
    SetNoteRequest,
)
from lensd.errors import StatusCode

from record import Trial
from wire import Wire

SERVICE = "/lens.v1.Sessions/"
# Beyond these each new one takes the place of another.
MOST_SESSIONS = 12


@dataclass
class Diary:
    """The notes of a user's sessions by the sessions' names, as far as they were acknowledged.

    What is under way when the daemon dies may have happened or not.
    """

    notes: dict[str, str] = field(default_factory=dict)
    number: int = 0
    open_entry: tuple[str, str | None] | None = None

    def write(self, wire: Wire, chance: random.Random) -> str | None:
        """Makes, changes or deletes a session; what is wrong with the answer."""
        self.number += 1
        text = f"entry {self.number}"
        if self.notes and chance.random() < 0.5:
            name = chance.choice(sorted(self.notes))
            return self._do(wire, "SetNote", SetNoteRequest(session=name.encode(), text=text.encode()), name, text)
        if len(self.notes) >= MOST_SESSIONS:
            name = chance.choice(sorted(self.notes))
            return self._do(wire, "Delete", DeleteSessionRequest(name=name.encode()), name, None)
        name = f"diary-{self.number}"
        return self._do(wire, "Create", CreateSessionRequest(name=name.encode(), note=text.encode()), name, text)

    def compare(self, trial: Trial, wire: Wire) -> None:
        """Holds the daemon's list against the diary."""
        messages, _ = wire.call(SERVICE + "List", ListSessionsRequest())
        sessions = ListSessionsReply.FromString(messages[0]).sessions
        found = {each.name.decode(): each.note.decode() for each in sessions if each.name.startswith(b"diary-")}
        trial.count("diaries compared")
        if self.open_entry is not None:
            self._put(self.open_entry, found)
            self.open_entry = None
        trial.expect(found == self.notes, f"acknowledged: {self.notes}; found: {found}")

    def _do(self, wire: Wire, call: str, request: Message, name: str, note: str | None) -> str | None:
        self.open_entry = (name, note)
        _, status = wire.call(SERVICE + call, request)
        self.open_entry = None
        if status.code != StatusCode.OK:
            return f"{call} ended with {StatusCode(status.code).name}: {status.message.decode()}"
        self._set(name, note)
        return None

    def _put(self, entry: tuple[str, str | None], found: dict[str, str]) -> None:
        """The entry that was open counts where it happened."""
        name, note = entry
        if found.get(name) == note:
            self._set(name, note)

    def _set(self, name: str, note: str | None) -> None:
        if note is None:
            self.notes.pop(name, None)
        else:
            self.notes[name] = note
