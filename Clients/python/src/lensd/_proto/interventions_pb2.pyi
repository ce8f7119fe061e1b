from lensd._proto import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

ACTION_ADD: Action
ACTION_MASK: Action
ACTION_MEAN: Action
ACTION_PATCH: Action
ACTION_PROJECT: Action
ACTION_SCALE: Action
ACTION_SET: Action
ACTION_SWAP: Action
ACTION_UNSPECIFIED: Action
ACTION_ZERO: Action
DESCRIPTOR: _descriptor.FileDescriptor

class EditSource(_message.Message):
    __slots__ = ["positions", "prompt", "prompts", "run"]
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    PROMPTS_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    positions: Indices
    prompt: int
    prompts: PromptList
    run: bytes
    def __init__(self, run: _Optional[bytes] = ..., prompts: _Optional[_Union[PromptList, _Mapping]] = ..., prompt: _Optional[int] = ..., positions: _Optional[_Union[Indices, _Mapping]] = ...) -> None: ...

class IndexList(_message.Message):
    __slots__ = ["indices"]
    INDICES_FIELD_NUMBER: _ClassVar[int]
    indices: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, indices: _Optional[_Iterable[int]] = ...) -> None: ...

class Indices(_message.Message):
    __slots__ = ["index", "list", "range"]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    LIST_FIELD_NUMBER: _ClassVar[int]
    RANGE_FIELD_NUMBER: _ClassVar[int]
    index: int
    list: IndexList
    range: _common_pb2.SliceRange
    def __init__(self, index: _Optional[int] = ..., list: _Optional[_Union[IndexList, _Mapping]] = ..., range: _Optional[_Union[_common_pb2.SliceRange, _Mapping]] = ...) -> None: ...

class Intervention(_message.Message):
    __slots__ = ["action", "components", "factor", "heads", "hook", "layers", "operand", "other_prompt", "positions", "prompts", "source", "sources"]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    COMPONENTS_FIELD_NUMBER: _ClassVar[int]
    FACTOR_FIELD_NUMBER: _ClassVar[int]
    HEADS_FIELD_NUMBER: _ClassVar[int]
    HOOK_FIELD_NUMBER: _ClassVar[int]
    LAYERS_FIELD_NUMBER: _ClassVar[int]
    OPERAND_FIELD_NUMBER: _ClassVar[int]
    OTHER_PROMPT_FIELD_NUMBER: _ClassVar[int]
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    PROMPTS_FIELD_NUMBER: _ClassVar[int]
    SOURCES_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    action: Action
    components: Indices
    factor: float
    heads: Indices
    hook: bytes
    layers: Indices
    operand: Operand
    other_prompt: int
    positions: Indices
    prompts: Indices
    source: EditSource
    sources: Indices
    def __init__(self, hook: _Optional[bytes] = ..., action: _Optional[_Union[Action, str]] = ..., layers: _Optional[_Union[Indices, _Mapping]] = ..., prompts: _Optional[_Union[Indices, _Mapping]] = ..., heads: _Optional[_Union[Indices, _Mapping]] = ..., positions: _Optional[_Union[Indices, _Mapping]] = ..., sources: _Optional[_Union[Indices, _Mapping]] = ..., components: _Optional[_Union[Indices, _Mapping]] = ..., factor: _Optional[float] = ..., operand: _Optional[_Union[Operand, _Mapping]] = ..., source: _Optional[_Union[EditSource, _Mapping]] = ..., other_prompt: _Optional[int] = ...) -> None: ...

class Operand(_message.Message):
    __slots__ = ["shape", "values"]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    shape: _containers.RepeatedScalarFieldContainer[int]
    values: bytes
    def __init__(self, shape: _Optional[_Iterable[int]] = ..., values: _Optional[bytes] = ...) -> None: ...

class PromptList(_message.Message):
    __slots__ = ["prompts"]
    PROMPTS_FIELD_NUMBER: _ClassVar[int]
    prompts: _containers.RepeatedCompositeFieldContainer[_common_pb2.Prompt]
    def __init__(self, prompts: _Optional[_Iterable[_Union[_common_pb2.Prompt, _Mapping]]] = ...) -> None: ...

class Action(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
