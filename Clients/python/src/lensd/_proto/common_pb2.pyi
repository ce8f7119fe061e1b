from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Ellipsis(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class Prompt(_message.Message):
    __slots__ = ["text", "tokens"]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    text: TextPrompt
    tokens: TokenPrompt
    def __init__(self, text: _Optional[_Union[TextPrompt, _Mapping]] = ..., tokens: _Optional[_Union[TokenPrompt, _Mapping]] = ...) -> None: ...

class Slice(_message.Message):
    __slots__ = ["entries"]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[SliceEntry]
    def __init__(self, entries: _Optional[_Iterable[_Union[SliceEntry, _Mapping]]] = ...) -> None: ...

class SliceEntry(_message.Message):
    __slots__ = ["ellipsis", "index", "range"]
    ELLIPSIS_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    RANGE_FIELD_NUMBER: _ClassVar[int]
    ellipsis: Ellipsis
    index: int
    range: SliceRange
    def __init__(self, index: _Optional[int] = ..., range: _Optional[_Union[SliceRange, _Mapping]] = ..., ellipsis: _Optional[_Union[Ellipsis, _Mapping]] = ...) -> None: ...

class SliceRange(_message.Message):
    __slots__ = ["start", "step", "stop"]
    START_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    STOP_FIELD_NUMBER: _ClassVar[int]
    start: int
    step: int
    stop: int
    def __init__(self, start: _Optional[int] = ..., stop: _Optional[int] = ..., step: _Optional[int] = ...) -> None: ...

class TextPrompt(_message.Message):
    __slots__ = ["no_bos", "text"]
    NO_BOS_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    no_bos: bool
    text: bytes
    def __init__(self, text: _Optional[bytes] = ..., no_bos: bool = ...) -> None: ...

class Token(_message.Message):
    __slots__ = ["id", "text"]
    ID_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    id: int
    text: bytes
    def __init__(self, id: _Optional[int] = ..., text: _Optional[bytes] = ...) -> None: ...

class TokenList(_message.Message):
    __slots__ = ["tokens"]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    tokens: _containers.RepeatedCompositeFieldContainer[Token]
    def __init__(self, tokens: _Optional[_Iterable[_Union[Token, _Mapping]]] = ...) -> None: ...

class TokenPrompt(_message.Message):
    __slots__ = ["ids"]
    IDS_FIELD_NUMBER: _ClassVar[int]
    ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, ids: _Optional[_Iterable[int]] = ...) -> None: ...
