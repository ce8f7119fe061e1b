from lensd._proto import run_pb2 as _run_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class HookAnswer(_message.Message):
    __slots__ = ["replacement", "unchanged", "values"]
    REPLACEMENT_FIELD_NUMBER: _ClassVar[int]
    UNCHANGED_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    replacement: HookReplacement
    unchanged: HookUnchanged
    values: bytes
    def __init__(self, unchanged: _Optional[_Union[HookUnchanged, _Mapping]] = ..., replacement: _Optional[_Union[HookReplacement, _Mapping]] = ..., values: _Optional[bytes] = ...) -> None: ...

class HookEvent(_message.Message):
    __slots__ = ["kept", "parked", "values"]
    KEPT_FIELD_NUMBER: _ClassVar[int]
    PARKED_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    kept: HookedActivation
    parked: HookedActivation
    values: bytes
    def __init__(self, parked: _Optional[_Union[HookedActivation, _Mapping]] = ..., kept: _Optional[_Union[HookedActivation, _Mapping]] = ..., values: _Optional[bytes] = ...) -> None: ...

class HookReplacement(_message.Message):
    __slots__ = ["shapes"]
    SHAPES_FIELD_NUMBER: _ClassVar[int]
    shapes: _containers.RepeatedCompositeFieldContainer[TensorShape]
    def __init__(self, shapes: _Optional[_Iterable[_Union[TensorShape, _Mapping]]] = ...) -> None: ...

class HookUnchanged(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class HookedActivation(_message.Message):
    __slots__ = ["element_type", "hook", "lengths", "shapes"]
    ELEMENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    HOOK_FIELD_NUMBER: _ClassVar[int]
    LENGTHS_FIELD_NUMBER: _ClassVar[int]
    SHAPES_FIELD_NUMBER: _ClassVar[int]
    element_type: bytes
    hook: bytes
    lengths: _containers.RepeatedScalarFieldContainer[int]
    shapes: _containers.RepeatedCompositeFieldContainer[TensorShape]
    def __init__(self, hook: _Optional[bytes] = ..., element_type: _Optional[bytes] = ..., shapes: _Optional[_Iterable[_Union[TensorShape, _Mapping]]] = ..., lengths: _Optional[_Iterable[int]] = ...) -> None: ...

class HookedRunEvent(_message.Message):
    __slots__ = ["hook", "result", "start"]
    HOOK_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    hook: HookEvent
    result: _run_pb2.RunReply
    start: HookedRunStart
    def __init__(self, start: _Optional[_Union[HookedRunStart, _Mapping]] = ..., hook: _Optional[_Union[HookEvent, _Mapping]] = ..., result: _Optional[_Union[_run_pb2.RunReply, _Mapping]] = ...) -> None: ...

class HookedRunMessage(_message.Message):
    __slots__ = ["answer", "start"]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    answer: HookAnswer
    start: HookedRunRequest
    def __init__(self, start: _Optional[_Union[HookedRunRequest, _Mapping]] = ..., answer: _Optional[_Union[HookAnswer, _Mapping]] = ...) -> None: ...

class HookedRunRequest(_message.Message):
    __slots__ = ["hooks", "run"]
    HOOKS_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    hooks: _containers.RepeatedScalarFieldContainer[bytes]
    run: _run_pb2.RunRequest
    def __init__(self, run: _Optional[_Union[_run_pb2.RunRequest, _Mapping]] = ..., hooks: _Optional[_Iterable[bytes]] = ...) -> None: ...

class HookedRunStart(_message.Message):
    __slots__ = ["model"]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    model: _run_pb2.ModelStamp
    def __init__(self, model: _Optional[_Union[_run_pb2.ModelStamp, _Mapping]] = ...) -> None: ...

class TensorShape(_message.Message):
    __slots__ = ["sizes"]
    SIZES_FIELD_NUMBER: _ClassVar[int]
    sizes: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, sizes: _Optional[_Iterable[int]] = ...) -> None: ...
