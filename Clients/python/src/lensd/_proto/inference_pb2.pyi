from lensd._proto import common_pb2 as _common_pb2
from lensd._proto import generation_pb2 as _generation_pb2
from lensd._proto import gradients_pb2 as _gradients_pb2
from lensd._proto import hooks_pb2 as _hooks_pb2
from lensd._proto import interventions_pb2 as _interventions_pb2
from lensd._proto import run_pb2 as _run_pb2
from lensd._proto import sweeps_pb2 as _sweeps_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class HeadFinding(_message.Message):
    __slots__ = ["distance", "kind", "score", "why"]
    DISTANCE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    distance: int
    kind: bytes
    score: float
    why: bytes
    def __init__(self, kind: _Optional[bytes] = ..., distance: _Optional[int] = ..., score: _Optional[float] = ..., why: _Optional[bytes] = ...) -> None: ...

class HeadScores(_message.Message):
    __slots__ = ["detect_duplicate", "detect_induction", "detect_previous", "distance", "entropy", "even_duplicate", "even_induction", "head", "kinds", "layer", "position", "structure", "to_distance", "to_duplicate", "to_first", "to_induction", "to_previous", "to_self"]
    DETECT_DUPLICATE_FIELD_NUMBER: _ClassVar[int]
    DETECT_INDUCTION_FIELD_NUMBER: _ClassVar[int]
    DETECT_PREVIOUS_FIELD_NUMBER: _ClassVar[int]
    DISTANCE_FIELD_NUMBER: _ClassVar[int]
    ENTROPY_FIELD_NUMBER: _ClassVar[int]
    EVEN_DUPLICATE_FIELD_NUMBER: _ClassVar[int]
    EVEN_INDUCTION_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    KINDS_FIELD_NUMBER: _ClassVar[int]
    LAYER_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    STRUCTURE_FIELD_NUMBER: _ClassVar[int]
    TO_DISTANCE_FIELD_NUMBER: _ClassVar[int]
    TO_DUPLICATE_FIELD_NUMBER: _ClassVar[int]
    TO_FIRST_FIELD_NUMBER: _ClassVar[int]
    TO_INDUCTION_FIELD_NUMBER: _ClassVar[int]
    TO_PREVIOUS_FIELD_NUMBER: _ClassVar[int]
    TO_SELF_FIELD_NUMBER: _ClassVar[int]
    detect_duplicate: float
    detect_induction: float
    detect_previous: float
    distance: int
    entropy: float
    even_duplicate: float
    even_induction: float
    head: int
    kinds: _containers.RepeatedCompositeFieldContainer[HeadFinding]
    layer: int
    position: float
    structure: float
    to_distance: float
    to_duplicate: float
    to_first: float
    to_induction: float
    to_previous: float
    to_self: float
    def __init__(self, layer: _Optional[int] = ..., head: _Optional[int] = ..., to_self: _Optional[float] = ..., to_previous: _Optional[float] = ..., distance: _Optional[int] = ..., to_distance: _Optional[float] = ..., to_first: _Optional[float] = ..., to_duplicate: _Optional[float] = ..., to_induction: _Optional[float] = ..., entropy: _Optional[float] = ..., detect_previous: _Optional[float] = ..., detect_duplicate: _Optional[float] = ..., detect_induction: _Optional[float] = ..., even_duplicate: _Optional[float] = ..., even_induction: _Optional[float] = ..., structure: _Optional[float] = ..., position: _Optional[float] = ..., kinds: _Optional[_Iterable[_Union[HeadFinding, _Mapping]]] = ...) -> None: ...

class PassSource(_message.Message):
    __slots__ = ["interventions", "model", "prompts"]
    INTERVENTIONS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PROMPTS_FIELD_NUMBER: _ClassVar[int]
    interventions: _containers.RepeatedCompositeFieldContainer[_interventions_pb2.Intervention]
    model: bytes
    prompts: _containers.RepeatedCompositeFieldContainer[_common_pb2.Prompt]
    def __init__(self, model: _Optional[bytes] = ..., prompts: _Optional[_Iterable[_Union[_common_pb2.Prompt, _Mapping]]] = ..., interventions: _Optional[_Iterable[_Union[_interventions_pb2.Intervention, _Mapping]]] = ...) -> None: ...

class QueryEvent(_message.Message):
    __slots__ = ["header", "values"]
    HEADER_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    header: TensorHeader
    values: bytes
    def __init__(self, header: _Optional[_Union[TensorHeader, _Mapping]] = ..., values: _Optional[bytes] = ...) -> None: ...

class QueryRequest(_message.Message):
    __slots__ = ["hook", "prompt_indices", "prompts", "run", "slice"]
    HOOK_FIELD_NUMBER: _ClassVar[int]
    PROMPTS_FIELD_NUMBER: _ClassVar[int]
    PROMPT_INDICES_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    SLICE_FIELD_NUMBER: _ClassVar[int]
    hook: bytes
    prompt_indices: _containers.RepeatedScalarFieldContainer[int]
    prompts: PassSource
    run: bytes
    slice: _common_pb2.Slice
    def __init__(self, run: _Optional[bytes] = ..., prompts: _Optional[_Union[PassSource, _Mapping]] = ..., hook: _Optional[bytes] = ..., slice: _Optional[_Union[_common_pb2.Slice, _Mapping]] = ..., prompt_indices: _Optional[_Iterable[int]] = ...) -> None: ...

class ScoreHeadsReply(_message.Message):
    __slots__ = ["fingerprint", "heads", "model", "tokens"]
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    HEADS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    fingerprint: bytes
    heads: _containers.RepeatedCompositeFieldContainer[HeadScores]
    model: bytes
    tokens: _containers.RepeatedCompositeFieldContainer[_common_pb2.TokenList]
    def __init__(self, model: _Optional[bytes] = ..., fingerprint: _Optional[bytes] = ..., tokens: _Optional[_Iterable[_Union[_common_pb2.TokenList, _Mapping]]] = ..., heads: _Optional[_Iterable[_Union[HeadScores, _Mapping]]] = ...) -> None: ...

class ScoreHeadsRequest(_message.Message):
    __slots__ = ["model", "prompts"]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PROMPTS_FIELD_NUMBER: _ClassVar[int]
    model: bytes
    prompts: _containers.RepeatedCompositeFieldContainer[_common_pb2.Prompt]
    def __init__(self, model: _Optional[bytes] = ..., prompts: _Optional[_Iterable[_Union[_common_pb2.Prompt, _Mapping]]] = ...) -> None: ...

class TensorHeader(_message.Message):
    __slots__ = ["element_type", "fingerprint", "hook", "model", "prompt_index", "run_id", "shape", "tokens"]
    ELEMENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    HOOK_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PROMPT_INDEX_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    element_type: bytes
    fingerprint: bytes
    hook: bytes
    model: bytes
    prompt_index: int
    run_id: bytes
    shape: _containers.RepeatedScalarFieldContainer[int]
    tokens: _containers.RepeatedCompositeFieldContainer[_common_pb2.Token]
    def __init__(self, hook: _Optional[bytes] = ..., prompt_index: _Optional[int] = ..., element_type: _Optional[bytes] = ..., shape: _Optional[_Iterable[int]] = ..., model: _Optional[bytes] = ..., fingerprint: _Optional[bytes] = ..., tokens: _Optional[_Iterable[_Union[_common_pb2.Token, _Mapping]]] = ..., run_id: _Optional[bytes] = ...) -> None: ...

class TokenizeReply(_message.Message):
    __slots__ = ["model", "texts", "tokens"]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    TEXTS_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    model: bytes
    texts: _containers.RepeatedScalarFieldContainer[bytes]
    tokens: _containers.RepeatedCompositeFieldContainer[_common_pb2.TokenList]
    def __init__(self, model: _Optional[bytes] = ..., tokens: _Optional[_Iterable[_Union[_common_pb2.TokenList, _Mapping]]] = ..., texts: _Optional[_Iterable[bytes]] = ...) -> None: ...

class TokenizeRequest(_message.Message):
    __slots__ = ["model", "prompts"]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PROMPTS_FIELD_NUMBER: _ClassVar[int]
    model: bytes
    prompts: _containers.RepeatedCompositeFieldContainer[_common_pb2.Prompt]
    def __init__(self, model: _Optional[bytes] = ..., prompts: _Optional[_Iterable[_Union[_common_pb2.Prompt, _Mapping]]] = ...) -> None: ...
