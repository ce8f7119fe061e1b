from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

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

class ListSessionsReply(_message.Message):
    __slots__ = ["sessions"]
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    sessions: _containers.RepeatedCompositeFieldContainer[SessionSummary]
    def __init__(self, sessions: _Optional[_Iterable[_Union[SessionSummary, _Mapping]]] = ...) -> None: ...

class ListSessionsRequest(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class RunSummary(_message.Message):
    __slots__ = ["created_at", "detail", "edits", "excerpt", "fingerprint", "hooked", "id", "kind", "loss", "model", "prompt_count", "session", "token_count"]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    EDITS_FIELD_NUMBER: _ClassVar[int]
    EXCERPT_FIELD_NUMBER: _ClassVar[int]
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    HOOKED_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    LOSS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PROMPT_COUNT_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    TOKEN_COUNT_FIELD_NUMBER: _ClassVar[int]
    created_at: float
    detail: bytes
    edits: _containers.RepeatedScalarFieldContainer[bytes]
    excerpt: bytes
    fingerprint: bytes
    hooked: bool
    id: bytes
    kind: bytes
    loss: float
    model: bytes
    prompt_count: int
    session: bytes
    token_count: int
    def __init__(self, id: _Optional[bytes] = ..., kind: _Optional[bytes] = ..., session: _Optional[bytes] = ..., created_at: _Optional[float] = ..., model: _Optional[bytes] = ..., fingerprint: _Optional[bytes] = ..., prompt_count: _Optional[int] = ..., token_count: _Optional[int] = ..., excerpt: _Optional[bytes] = ..., loss: _Optional[float] = ..., hooked: bool = ..., edits: _Optional[_Iterable[bytes]] = ..., detail: _Optional[bytes] = ...) -> None: ...

class SessionSummary(_message.Message):
    __slots__ = ["created_at", "id", "name", "run_count", "updated_at"]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    RUN_COUNT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    created_at: float
    id: bytes
    name: bytes
    run_count: int
    updated_at: float
    def __init__(self, id: _Optional[bytes] = ..., name: _Optional[bytes] = ..., created_at: _Optional[float] = ..., updated_at: _Optional[float] = ..., run_count: _Optional[int] = ...) -> None: ...

class ShowSessionReply(_message.Message):
    __slots__ = ["runs", "session"]
    RUNS_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    runs: _containers.RepeatedCompositeFieldContainer[RunSummary]
    session: SessionSummary
    def __init__(self, session: _Optional[_Union[SessionSummary, _Mapping]] = ..., runs: _Optional[_Iterable[_Union[RunSummary, _Mapping]]] = ...) -> None: ...

class ShowSessionRequest(_message.Message):
    __slots__ = ["name"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: bytes
    def __init__(self, name: _Optional[bytes] = ...) -> None: ...
