from lensd._proto import common_pb2 as _common_pb2
from lensd._proto import run_pb2 as _run_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

CIRCUIT_KIND_OV: CircuitKind
CIRCUIT_KIND_QK: CircuitKind
CIRCUIT_KIND_UNSPECIFIED: CircuitKind
COMPOSITION_KIND_K: CompositionKind
COMPOSITION_KIND_Q: CompositionKind
COMPOSITION_KIND_UNSPECIFIED: CompositionKind
COMPOSITION_KIND_V: CompositionKind
DESCRIPTOR: _descriptor.FileDescriptor

class CircuitEntry(_message.Message):
    __slots__ = ["column", "row", "value"]
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    ROW_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    column: _common_pb2.Token
    row: _common_pb2.Token
    value: float
    def __init__(self, row: _Optional[_Union[_common_pb2.Token, _Mapping]] = ..., column: _Optional[_Union[_common_pb2.Token, _Mapping]] = ..., value: _Optional[float] = ...) -> None: ...

class CircuitEntryList(_message.Message):
    __slots__ = ["entries"]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[CircuitEntry]
    def __init__(self, entries: _Optional[_Iterable[_Union[CircuitEntry, _Mapping]]] = ...) -> None: ...

class CircuitEvent(_message.Message):
    __slots__ = ["entries", "head", "header", "progress"]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    HEADER_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    entries: CircuitEntryList
    head: HeadCircuit
    header: CircuitHeader
    progress: WeightProgress
    def __init__(self, progress: _Optional[_Union[WeightProgress, _Mapping]] = ..., header: _Optional[_Union[CircuitHeader, _Mapping]] = ..., head: _Optional[_Union[HeadCircuit, _Mapping]] = ..., entries: _Optional[_Union[CircuitEntryList, _Mapping]] = ...) -> None: ...

class CircuitHeader(_message.Message):
    __slots__ = ["kind", "model"]
    KIND_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    kind: CircuitKind
    model: _run_pb2.ModelStamp
    def __init__(self, model: _Optional[_Union[_run_pb2.ModelStamp, _Mapping]] = ..., kind: _Optional[_Union[CircuitKind, str]] = ...) -> None: ...

class CircuitRequest(_message.Message):
    __slots__ = ["heads", "kind", "model", "smallest", "tokens", "top_count"]
    HEADS_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    SMALLEST_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    TOP_COUNT_FIELD_NUMBER: _ClassVar[int]
    heads: _containers.RepeatedCompositeFieldContainer[HeadPlace]
    kind: CircuitKind
    model: bytes
    smallest: bool
    tokens: _containers.RepeatedScalarFieldContainer[int]
    top_count: int
    def __init__(self, model: _Optional[bytes] = ..., kind: _Optional[_Union[CircuitKind, str]] = ..., heads: _Optional[_Iterable[_Union[HeadPlace, _Mapping]]] = ..., tokens: _Optional[_Iterable[int]] = ..., top_count: _Optional[int] = ..., smallest: bool = ...) -> None: ...

class CompositionRequest(_message.Message):
    __slots__ = ["kind", "model"]
    KIND_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    kind: CompositionKind
    model: bytes
    def __init__(self, model: _Optional[bytes] = ..., kind: _Optional[_Union[CompositionKind, str]] = ...) -> None: ...

class HeadCircuit(_message.Message):
    __slots__ = ["bare_score", "eigenvalues_imaginary", "eigenvalues_real", "head", "layer", "score"]
    BARE_SCORE_FIELD_NUMBER: _ClassVar[int]
    EIGENVALUES_IMAGINARY_FIELD_NUMBER: _ClassVar[int]
    EIGENVALUES_REAL_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    LAYER_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    bare_score: float
    eigenvalues_imaginary: _containers.RepeatedScalarFieldContainer[float]
    eigenvalues_real: _containers.RepeatedScalarFieldContainer[float]
    head: int
    layer: int
    score: float
    def __init__(self, layer: _Optional[int] = ..., head: _Optional[int] = ..., score: _Optional[float] = ..., bare_score: _Optional[float] = ..., eigenvalues_real: _Optional[_Iterable[float]] = ..., eigenvalues_imaginary: _Optional[_Iterable[float]] = ...) -> None: ...

class HeadPlace(_message.Message):
    __slots__ = ["head", "layer"]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    LAYER_FIELD_NUMBER: _ClassVar[int]
    head: int
    layer: int
    def __init__(self, layer: _Optional[int] = ..., head: _Optional[int] = ...) -> None: ...

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

class CircuitKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class CompositionKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
