from lensd._proto import common_pb2 as _common_pb2
from lensd._proto import interventions_pb2 as _interventions_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ModelStamp(_message.Message):
    __slots__ = ["fingerprint", "name", "raw"]
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    RAW_FIELD_NUMBER: _ClassVar[int]
    fingerprint: bytes
    name: bytes
    raw: bool
    def __init__(self, name: _Optional[bytes] = ..., raw: bool = ..., fingerprint: _Optional[bytes] = ...) -> None: ...

class Prediction(_message.Message):
    __slots__ = ["logprob", "token"]
    LOGPROB_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    logprob: float
    token: _common_pb2.Token
    def __init__(self, token: _Optional[_Union[_common_pb2.Token, _Mapping]] = ..., logprob: _Optional[float] = ...) -> None: ...

class PromptResult(_message.Message):
    __slots__ = ["loss", "per_token_loss", "tokens", "top"]
    LOSS_FIELD_NUMBER: _ClassVar[int]
    PER_TOKEN_LOSS_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    TOP_FIELD_NUMBER: _ClassVar[int]
    loss: float
    per_token_loss: _containers.RepeatedScalarFieldContainer[float]
    tokens: _containers.RepeatedCompositeFieldContainer[_common_pb2.Token]
    top: _containers.RepeatedCompositeFieldContainer[Prediction]
    def __init__(self, tokens: _Optional[_Iterable[_Union[_common_pb2.Token, _Mapping]]] = ..., loss: _Optional[float] = ..., per_token_loss: _Optional[_Iterable[float]] = ..., top: _Optional[_Iterable[_Union[Prediction, _Mapping]]] = ...) -> None: ...

class RunReply(_message.Message):
    __slots__ = ["loss", "model", "prompts", "run_id"]
    LOSS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PROMPTS_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    loss: float
    model: ModelStamp
    prompts: _containers.RepeatedCompositeFieldContainer[PromptResult]
    run_id: bytes
    def __init__(self, run_id: _Optional[bytes] = ..., model: _Optional[_Union[ModelStamp, _Mapping]] = ..., loss: _Optional[float] = ..., prompts: _Optional[_Iterable[_Union[PromptResult, _Mapping]]] = ...) -> None: ...

class RunRequest(_message.Message):
    __slots__ = ["interventions", "keep_all", "keep_names", "model", "per_token_loss", "prompts", "session", "skip_loss", "top_count", "unrecorded"]
    INTERVENTIONS_FIELD_NUMBER: _ClassVar[int]
    KEEP_ALL_FIELD_NUMBER: _ClassVar[int]
    KEEP_NAMES_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PER_TOKEN_LOSS_FIELD_NUMBER: _ClassVar[int]
    PROMPTS_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    SKIP_LOSS_FIELD_NUMBER: _ClassVar[int]
    TOP_COUNT_FIELD_NUMBER: _ClassVar[int]
    UNRECORDED_FIELD_NUMBER: _ClassVar[int]
    interventions: _containers.RepeatedCompositeFieldContainer[_interventions_pb2.Intervention]
    keep_all: bool
    keep_names: _containers.RepeatedScalarFieldContainer[bytes]
    model: bytes
    per_token_loss: bool
    prompts: _containers.RepeatedCompositeFieldContainer[_common_pb2.Prompt]
    session: bytes
    skip_loss: bool
    top_count: int
    unrecorded: bool
    def __init__(self, model: _Optional[bytes] = ..., session: _Optional[bytes] = ..., prompts: _Optional[_Iterable[_Union[_common_pb2.Prompt, _Mapping]]] = ..., interventions: _Optional[_Iterable[_Union[_interventions_pb2.Intervention, _Mapping]]] = ..., top_count: _Optional[int] = ..., per_token_loss: bool = ..., keep_all: bool = ..., keep_names: _Optional[_Iterable[bytes]] = ..., unrecorded: bool = ..., skip_loss: bool = ...) -> None: ...
