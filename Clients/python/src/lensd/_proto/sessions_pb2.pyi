from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CreateSessionReply(_message.Message):
    __slots__ = ["session"]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    session: SessionSummary
    def __init__(self, session: _Optional[_Union[SessionSummary, _Mapping]] = ...) -> None: ...

class CreateSessionRequest(_message.Message):
    __slots__ = ["name", "note"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    name: bytes
    note: bytes
    def __init__(self, name: _Optional[bytes] = ..., note: _Optional[bytes] = ...) -> None: ...

class DeleteSessionReply(_message.Message):
    __slots__ = ["run_count"]
    RUN_COUNT_FIELD_NUMBER: _ClassVar[int]
    run_count: int
    def __init__(self, run_count: _Optional[int] = ...) -> None: ...

class DeleteSessionRequest(_message.Message):
    __slots__ = ["name"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: bytes
    def __init__(self, name: _Optional[bytes] = ...) -> None: ...

class ExportEvent(_message.Message):
    __slots__ = ["part", "session"]
    PART_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    part: SessionFilePart
    session: ExportedSession
    def __init__(self, session: _Optional[_Union[ExportedSession, _Mapping]] = ..., part: _Optional[_Union[SessionFilePart, _Mapping]] = ...) -> None: ...

class ExportSessionRequest(_message.Message):
    __slots__ = ["name", "runs"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    RUNS_FIELD_NUMBER: _ClassVar[int]
    name: bytes
    runs: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, name: _Optional[bytes] = ..., runs: _Optional[_Iterable[bytes]] = ...) -> None: ...

class ExportedSession(_message.Message):
    __slots__ = ["lensd_version", "run_count", "session"]
    LENSD_VERSION_FIELD_NUMBER: _ClassVar[int]
    RUN_COUNT_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    lensd_version: bytes
    run_count: int
    session: SessionSummary
    def __init__(self, session: _Optional[_Union[SessionSummary, _Mapping]] = ..., run_count: _Optional[int] = ..., lensd_version: _Optional[bytes] = ...) -> None: ...

class GrantsReply(_message.Message):
    __slots__ = ["grants"]
    GRANTS_FIELD_NUMBER: _ClassVar[int]
    grants: _containers.RepeatedCompositeFieldContainer[SessionGrant]
    def __init__(self, grants: _Optional[_Iterable[_Union[SessionGrant, _Mapping]]] = ...) -> None: ...

class ImportEvent(_message.Message):
    __slots__ = ["run_count", "session"]
    RUN_COUNT_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    run_count: int
    session: SessionSummary
    def __init__(self, run_count: _Optional[int] = ..., session: _Optional[_Union[SessionSummary, _Mapping]] = ...) -> None: ...

class ImportMessage(_message.Message):
    __slots__ = ["part", "start"]
    PART_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    part: SessionFilePart
    start: ImportStart
    def __init__(self, start: _Optional[_Union[ImportStart, _Mapping]] = ..., part: _Optional[_Union[SessionFilePart, _Mapping]] = ...) -> None: ...

class ImportStart(_message.Message):
    __slots__ = ["name", "note"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    name: bytes
    note: bytes
    def __init__(self, name: _Optional[bytes] = ..., note: _Optional[bytes] = ...) -> None: ...

class ListGrantsRequest(_message.Message):
    __slots__ = ["name"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: bytes
    def __init__(self, name: _Optional[bytes] = ...) -> None: ...

class ListSessionsReply(_message.Message):
    __slots__ = ["sessions", "total"]
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    sessions: _containers.RepeatedCompositeFieldContainer[SessionSummary]
    total: int
    def __init__(self, sessions: _Optional[_Iterable[_Union[SessionSummary, _Mapping]]] = ..., total: _Optional[int] = ...) -> None: ...

class ListSessionsRequest(_message.Message):
    __slots__ = ["limit", "skip"]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    SKIP_FIELD_NUMBER: _ClassVar[int]
    limit: int
    skip: int
    def __init__(self, skip: _Optional[int] = ..., limit: _Optional[int] = ...) -> None: ...

class RenameSessionReply(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class RenameSessionRequest(_message.Message):
    __slots__ = ["name", "new_name"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    NEW_NAME_FIELD_NUMBER: _ClassVar[int]
    name: bytes
    new_name: bytes
    def __init__(self, name: _Optional[bytes] = ..., new_name: _Optional[bytes] = ...) -> None: ...

class ReplayEvent(_message.Message):
    __slots__ = ["progress", "run"]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    progress: ReplayProgress
    run: ReplayedRun
    def __init__(self, progress: _Optional[_Union[ReplayProgress, _Mapping]] = ..., run: _Optional[_Union[ReplayedRun, _Mapping]] = ...) -> None: ...

class ReplayProgress(_message.Message):
    __slots__ = ["done", "total"]
    DONE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    done: int
    total: int
    def __init__(self, done: _Optional[int] = ..., total: _Optional[int] = ...) -> None: ...

class ReplaySessionRequest(_message.Message):
    __slots__ = ["into", "name", "runs"]
    INTO_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    RUNS_FIELD_NUMBER: _ClassVar[int]
    into: bytes
    name: bytes
    runs: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, name: _Optional[bytes] = ..., runs: _Optional[_Iterable[bytes]] = ..., into: _Optional[bytes] = ...) -> None: ...

class ReplayedRun(_message.Message):
    __slots__ = ["excerpt", "fingerprint", "id", "kind", "largest_difference", "loss_difference", "outcome", "recorded_as", "remark"]
    EXCERPT_FIELD_NUMBER: _ClassVar[int]
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    LARGEST_DIFFERENCE_FIELD_NUMBER: _ClassVar[int]
    LOSS_DIFFERENCE_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    RECORDED_AS_FIELD_NUMBER: _ClassVar[int]
    REMARK_FIELD_NUMBER: _ClassVar[int]
    excerpt: bytes
    fingerprint: bytes
    id: bytes
    kind: bytes
    largest_difference: float
    loss_difference: float
    outcome: bytes
    recorded_as: bytes
    remark: bytes
    def __init__(self, id: _Optional[bytes] = ..., kind: _Optional[bytes] = ..., excerpt: _Optional[bytes] = ..., outcome: _Optional[bytes] = ..., loss_difference: _Optional[float] = ..., largest_difference: _Optional[float] = ..., remark: _Optional[bytes] = ..., fingerprint: _Optional[bytes] = ..., recorded_as: _Optional[bytes] = ...) -> None: ...

class RunSummary(_message.Message):
    __slots__ = ["created_at", "detail", "edits", "effects", "excerpt", "fingerprint", "hooked", "id", "imported", "kind", "loss", "model", "note", "owner", "prompt_count", "session", "token_count"]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    EDITS_FIELD_NUMBER: _ClassVar[int]
    EFFECTS_FIELD_NUMBER: _ClassVar[int]
    EXCERPT_FIELD_NUMBER: _ClassVar[int]
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    HOOKED_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    IMPORTED_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    LOSS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    PROMPT_COUNT_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    TOKEN_COUNT_FIELD_NUMBER: _ClassVar[int]
    created_at: float
    detail: bytes
    edits: _containers.RepeatedScalarFieldContainer[bytes]
    effects: _containers.RepeatedCompositeFieldContainer[SweepEffect]
    excerpt: bytes
    fingerprint: bytes
    hooked: bool
    id: bytes
    imported: bool
    kind: bytes
    loss: float
    model: bytes
    note: bytes
    owner: int
    prompt_count: int
    session: bytes
    token_count: int
    def __init__(self, id: _Optional[bytes] = ..., kind: _Optional[bytes] = ..., session: _Optional[bytes] = ..., created_at: _Optional[float] = ..., model: _Optional[bytes] = ..., fingerprint: _Optional[bytes] = ..., prompt_count: _Optional[int] = ..., token_count: _Optional[int] = ..., excerpt: _Optional[bytes] = ..., loss: _Optional[float] = ..., hooked: bool = ..., edits: _Optional[_Iterable[bytes]] = ..., detail: _Optional[bytes] = ..., note: _Optional[bytes] = ..., effects: _Optional[_Iterable[_Union[SweepEffect, _Mapping]]] = ..., imported: bool = ..., owner: _Optional[int] = ...) -> None: ...

class SearchSessionsReply(_message.Message):
    __slots__ = ["more", "runs", "sessions"]
    MORE_FIELD_NUMBER: _ClassVar[int]
    RUNS_FIELD_NUMBER: _ClassVar[int]
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    more: bool
    runs: _containers.RepeatedCompositeFieldContainer[RunSummary]
    sessions: _containers.RepeatedCompositeFieldContainer[SessionSummary]
    def __init__(self, sessions: _Optional[_Iterable[_Union[SessionSummary, _Mapping]]] = ..., runs: _Optional[_Iterable[_Union[RunSummary, _Mapping]]] = ..., more: bool = ...) -> None: ...

class SearchSessionsRequest(_message.Message):
    __slots__ = ["before", "limit", "text"]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    before: bytes
    limit: int
    text: bytes
    def __init__(self, text: _Optional[bytes] = ..., before: _Optional[bytes] = ..., limit: _Optional[int] = ...) -> None: ...

class SessionFilePart(_message.Message):
    __slots__ = ["json", "last"]
    JSON_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    json: bytes
    last: bool
    def __init__(self, json: _Optional[bytes] = ..., last: bool = ...) -> None: ...

class SessionGrant(_message.Message):
    __slots__ = ["created_at", "user", "user_id"]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    created_at: float
    user: bytes
    user_id: int
    def __init__(self, user_id: _Optional[int] = ..., user: _Optional[bytes] = ..., created_at: _Optional[float] = ...) -> None: ...

class SessionSummary(_message.Message):
    __slots__ = ["address", "created_at", "grant_count", "id", "name", "note", "owner", "owner_name", "read_only", "run_count", "updated_at"]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    GRANT_COUNT_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    OWNER_NAME_FIELD_NUMBER: _ClassVar[int]
    READ_ONLY_FIELD_NUMBER: _ClassVar[int]
    RUN_COUNT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    address: bytes
    created_at: float
    grant_count: int
    id: bytes
    name: bytes
    note: bytes
    owner: int
    owner_name: bytes
    read_only: bool
    run_count: int
    updated_at: float
    def __init__(self, id: _Optional[bytes] = ..., name: _Optional[bytes] = ..., created_at: _Optional[float] = ..., updated_at: _Optional[float] = ..., run_count: _Optional[int] = ..., owner: _Optional[int] = ..., owner_name: _Optional[bytes] = ..., address: _Optional[bytes] = ..., note: _Optional[bytes] = ..., read_only: bool = ..., grant_count: _Optional[int] = ...) -> None: ...

class SetNoteReply(_message.Message):
    __slots__ = ["id"]
    ID_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    def __init__(self, id: _Optional[bytes] = ...) -> None: ...

class SetNoteRequest(_message.Message):
    __slots__ = ["run", "session", "text"]
    RUN_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    run: bytes
    session: bytes
    text: bytes
    def __init__(self, session: _Optional[bytes] = ..., run: _Optional[bytes] = ..., text: _Optional[bytes] = ...) -> None: ...

class ShareSessionRequest(_message.Message):
    __slots__ = ["name", "user"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    name: bytes
    user: bytes
    def __init__(self, name: _Optional[bytes] = ..., user: _Optional[bytes] = ...) -> None: ...

class ShowSessionReply(_message.Message):
    __slots__ = ["more", "runs", "session"]
    MORE_FIELD_NUMBER: _ClassVar[int]
    RUNS_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    more: bool
    runs: _containers.RepeatedCompositeFieldContainer[RunSummary]
    session: SessionSummary
    def __init__(self, session: _Optional[_Union[SessionSummary, _Mapping]] = ..., runs: _Optional[_Iterable[_Union[RunSummary, _Mapping]]] = ..., more: bool = ...) -> None: ...

class ShowSessionRequest(_message.Message):
    __slots__ = ["before", "limit", "name"]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    before: bytes
    limit: int
    name: bytes
    def __init__(self, name: _Optional[bytes] = ..., before: _Optional[bytes] = ..., limit: _Optional[int] = ...) -> None: ...

class SweepEffect(_message.Message):
    __slots__ = ["delta", "place"]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    PLACE_FIELD_NUMBER: _ClassVar[int]
    delta: float
    place: bytes
    def __init__(self, place: _Optional[bytes] = ..., delta: _Optional[float] = ...) -> None: ...
