from lensd._proto import common_pb2 as _common_pb2
from lensd._proto import hooks_pb2 as _hooks_pb2
from lensd._proto import interventions_pb2 as _interventions_pb2
from lensd._proto import run_pb2 as _run_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GradientEvent(_message.Message):
    __slots__ = ["hook", "start"]
    HOOK_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    hook: _hooks_pb2.HookEvent
    start: GradientStart
    def __init__(self, start: _Optional[_Union[GradientStart, _Mapping]] = ..., hook: _Optional[_Union[_hooks_pb2.HookEvent, _Mapping]] = ...) -> None: ...

class GradientMessage(_message.Message):
    __slots__ = ["answer", "start"]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    answer: _hooks_pb2.HookAnswer
    start: GradientRequest
    def __init__(self, start: _Optional[_Union[GradientRequest, _Mapping]] = ..., answer: _Optional[_Union[_hooks_pb2.HookAnswer, _Mapping]] = ...) -> None: ...

class GradientRequest(_message.Message):
    __slots__ = ["cotangents", "interventions", "model", "prompts", "replacements", "stops", "terms", "wanted"]
    COTANGENTS_FIELD_NUMBER: _ClassVar[int]
    INTERVENTIONS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PROMPTS_FIELD_NUMBER: _ClassVar[int]
    REPLACEMENTS_FIELD_NUMBER: _ClassVar[int]
    STOPS_FIELD_NUMBER: _ClassVar[int]
    TERMS_FIELD_NUMBER: _ClassVar[int]
    WANTED_FIELD_NUMBER: _ClassVar[int]
    cotangents: _containers.RepeatedScalarFieldContainer[bytes]
    interventions: _containers.RepeatedCompositeFieldContainer[_interventions_pb2.Intervention]
    model: bytes
    prompts: _containers.RepeatedCompositeFieldContainer[_common_pb2.Prompt]
    replacements: _containers.RepeatedScalarFieldContainer[bytes]
    stops: _containers.RepeatedScalarFieldContainer[bytes]
    terms: _containers.RepeatedCompositeFieldContainer[GradientTerm]
    wanted: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, model: _Optional[bytes] = ..., prompts: _Optional[_Iterable[_Union[_common_pb2.Prompt, _Mapping]]] = ..., interventions: _Optional[_Iterable[_Union[_interventions_pb2.Intervention, _Mapping]]] = ..., terms: _Optional[_Iterable[_Union[GradientTerm, _Mapping]]] = ..., cotangents: _Optional[_Iterable[bytes]] = ..., replacements: _Optional[_Iterable[bytes]] = ..., wanted: _Optional[_Iterable[bytes]] = ..., stops: _Optional[_Iterable[bytes]] = ...) -> None: ...

class GradientStart(_message.Message):
    __slots__ = ["model", "value"]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    model: _run_pb2.ModelStamp
    value: float
    def __init__(self, model: _Optional[_Union[_run_pb2.ModelStamp, _Mapping]] = ..., value: _Optional[float] = ...) -> None: ...

class GradientTerm(_message.Message):
    __slots__ = ["log_probability", "logit", "loss", "weight"]
    LOGIT_FIELD_NUMBER: _ClassVar[int]
    LOG_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    LOSS_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    log_probability: PredictionTerm
    logit: PredictionTerm
    loss: LossTerm
    weight: float
    def __init__(self, weight: _Optional[float] = ..., loss: _Optional[_Union[LossTerm, _Mapping]] = ..., logit: _Optional[_Union[PredictionTerm, _Mapping]] = ..., log_probability: _Optional[_Union[PredictionTerm, _Mapping]] = ...) -> None: ...

class LossTerm(_message.Message):
    __slots__ = ["sum"]
    SUM_FIELD_NUMBER: _ClassVar[int]
    sum: bool
    def __init__(self, sum: bool = ...) -> None: ...

class PredictionTerm(_message.Message):
    __slots__ = ["position", "prompt_index", "token"]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    PROMPT_INDEX_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    position: int
    prompt_index: int
    token: int
    def __init__(self, prompt_index: _Optional[int] = ..., position: _Optional[int] = ..., token: _Optional[int] = ...) -> None: ...
