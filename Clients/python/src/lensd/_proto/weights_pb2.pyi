from lensd._proto import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListParametersReply(_message.Message):
    __slots__ = ["fingerprint", "model", "parameters"]
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    fingerprint: bytes
    model: bytes
    parameters: _containers.RepeatedCompositeFieldContainer[ParameterShape]
    def __init__(self, model: _Optional[bytes] = ..., fingerprint: _Optional[bytes] = ..., parameters: _Optional[_Iterable[_Union[ParameterShape, _Mapping]]] = ...) -> None: ...

class ListParametersRequest(_message.Message):
    __slots__ = ["model"]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    model: bytes
    def __init__(self, model: _Optional[bytes] = ...) -> None: ...

class ParameterRequest(_message.Message):
    __slots__ = ["model", "name", "slice"]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SLICE_FIELD_NUMBER: _ClassVar[int]
    model: bytes
    name: bytes
    slice: _common_pb2.Slice
    def __init__(self, model: _Optional[bytes] = ..., name: _Optional[bytes] = ..., slice: _Optional[_Union[_common_pb2.Slice, _Mapping]] = ...) -> None: ...

class ParameterShape(_message.Message):
    __slots__ = ["name", "shape"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    name: bytes
    shape: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, name: _Optional[bytes] = ..., shape: _Optional[_Iterable[int]] = ...) -> None: ...

class WeightEvent(_message.Message):
    __slots__ = ["header", "progress", "values"]
    HEADER_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    header: WeightHeader
    progress: WeightProgress
    values: bytes
    def __init__(self, header: _Optional[_Union[WeightHeader, _Mapping]] = ..., values: _Optional[bytes] = ..., progress: _Optional[_Union[WeightProgress, _Mapping]] = ...) -> None: ...

class WeightHeader(_message.Message):
    __slots__ = ["fingerprint", "model", "name", "shape"]
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    fingerprint: bytes
    model: bytes
    name: bytes
    shape: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, name: _Optional[bytes] = ..., shape: _Optional[_Iterable[int]] = ..., model: _Optional[bytes] = ..., fingerprint: _Optional[bytes] = ...) -> None: ...

class WeightProgress(_message.Message):
    __slots__ = ["done", "total"]
    DONE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    done: int
    total: int
    def __init__(self, done: _Optional[int] = ..., total: _Optional[int] = ...) -> None: ...
