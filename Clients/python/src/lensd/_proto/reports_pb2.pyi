from lensd._proto import common_pb2 as _common_pb2
from lensd._proto import interventions_pb2 as _interventions_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AttentionPageRequest(_message.Message):
    __slots__ = ["action", "model", "prompt", "title", "with_ablation"]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    WITH_ABLATION_FIELD_NUMBER: _ClassVar[int]
    action: _interventions_pb2.Action
    model: bytes
    prompt: _common_pb2.Prompt
    title: bytes
    with_ablation: bool
    def __init__(self, model: _Optional[bytes] = ..., prompt: _Optional[_Union[_common_pb2.Prompt, _Mapping]] = ..., with_ablation: bool = ..., action: _Optional[_Union[_interventions_pb2.Action, str]] = ..., title: _Optional[bytes] = ...) -> None: ...

class PageChunk(_message.Message):
    __slots__ = ["html"]
    HTML_FIELD_NUMBER: _ClassVar[int]
    html: bytes
    def __init__(self, html: _Optional[bytes] = ...) -> None: ...

class SessionReportRequest(_message.Message):
    __slots__ = ["markdown", "session"]
    MARKDOWN_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    markdown: bool
    session: bytes
    def __init__(self, session: _Optional[bytes] = ..., markdown: bool = ...) -> None: ...
