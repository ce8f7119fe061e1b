from lensd._proto import common_pb2 as _common_pb2
from lensd._proto import inference_pb2 as _inference_pb2
from lensd._proto import run_pb2 as _run_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor
HEAD_ABLATION_MEAN: HeadAblation
HEAD_ABLATION_NONE: HeadAblation
HEAD_ABLATION_ZERO: HeadAblation

class HeadAtlasEvent(_message.Message):
    __slots__ = ["header", "heads", "page", "progress"]
    HEADER_FIELD_NUMBER: _ClassVar[int]
    HEADS_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    header: HeadAtlasHeader
    heads: HeadProfileList
    page: bytes
    progress: HeadAtlasProgress
    def __init__(self, progress: _Optional[_Union[HeadAtlasProgress, _Mapping]] = ..., header: _Optional[_Union[HeadAtlasHeader, _Mapping]] = ..., heads: _Optional[_Union[HeadProfileList, _Mapping]] = ..., page: _Optional[bytes] = ...) -> None: ...

class HeadAtlasHeader(_message.Message):
    __slots__ = ["ablation", "baseline_loss", "built_in_corpus", "model", "prediction_count", "prompt_count", "repeated_length", "token_count"]
    ABLATION_FIELD_NUMBER: _ClassVar[int]
    BASELINE_LOSS_FIELD_NUMBER: _ClassVar[int]
    BUILT_IN_CORPUS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PREDICTION_COUNT_FIELD_NUMBER: _ClassVar[int]
    PROMPT_COUNT_FIELD_NUMBER: _ClassVar[int]
    REPEATED_LENGTH_FIELD_NUMBER: _ClassVar[int]
    TOKEN_COUNT_FIELD_NUMBER: _ClassVar[int]
    ablation: HeadAblation
    baseline_loss: float
    built_in_corpus: bool
    model: _run_pb2.ModelStamp
    prediction_count: int
    prompt_count: int
    repeated_length: int
    token_count: int
    def __init__(self, model: _Optional[_Union[_run_pb2.ModelStamp, _Mapping]] = ..., built_in_corpus: bool = ..., prompt_count: _Optional[int] = ..., token_count: _Optional[int] = ..., prediction_count: _Optional[int] = ..., baseline_loss: _Optional[float] = ..., ablation: _Optional[_Union[HeadAblation, str]] = ..., repeated_length: _Optional[int] = ...) -> None: ...

class HeadAtlasProgress(_message.Message):
    __slots__ = ["done", "phase", "total"]
    DONE_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    done: int
    phase: bytes
    total: int
    def __init__(self, phase: _Optional[bytes] = ..., done: _Optional[int] = ..., total: _Optional[int] = ...) -> None: ...

class HeadAtlasRequest(_message.Message):
    __slots__ = ["ablation", "model", "pair_count", "prompts", "title", "with_page"]
    ABLATION_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PAIR_COUNT_FIELD_NUMBER: _ClassVar[int]
    PROMPTS_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    WITH_PAGE_FIELD_NUMBER: _ClassVar[int]
    ablation: HeadAblation
    model: bytes
    pair_count: int
    prompts: _containers.RepeatedCompositeFieldContainer[_common_pb2.Prompt]
    title: bytes
    with_page: bool
    def __init__(self, model: _Optional[bytes] = ..., prompts: _Optional[_Iterable[_Union[_common_pb2.Prompt, _Mapping]]] = ..., ablation: _Optional[_Union[HeadAblation, str]] = ..., pair_count: _Optional[int] = ..., with_page: bool = ..., title: _Optional[bytes] = ...) -> None: ...

class HeadProfile(_message.Message):
    __slots__ = ["by_distance", "copying", "delta", "loss", "pairs", "repeats", "scores", "standard_error", "tokens"]
    BY_DISTANCE_FIELD_NUMBER: _ClassVar[int]
    COPYING_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    LOSS_FIELD_NUMBER: _ClassVar[int]
    PAIRS_FIELD_NUMBER: _ClassVar[int]
    REPEATS_FIELD_NUMBER: _ClassVar[int]
    SCORES_FIELD_NUMBER: _ClassVar[int]
    STANDARD_ERROR_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    by_distance: _containers.RepeatedScalarFieldContainer[float]
    copying: float
    delta: float
    loss: float
    pairs: _containers.RepeatedCompositeFieldContainer[TokenPair]
    repeats: RepeatScores
    scores: _inference_pb2.HeadScores
    standard_error: float
    tokens: float
    def __init__(self, scores: _Optional[_Union[_inference_pb2.HeadScores, _Mapping]] = ..., repeats: _Optional[_Union[RepeatScores, _Mapping]] = ..., tokens: _Optional[float] = ..., by_distance: _Optional[_Iterable[float]] = ..., pairs: _Optional[_Iterable[_Union[TokenPair, _Mapping]]] = ..., loss: _Optional[float] = ..., delta: _Optional[float] = ..., standard_error: _Optional[float] = ..., copying: _Optional[float] = ...) -> None: ...

class HeadProfileList(_message.Message):
    __slots__ = ["heads"]
    HEADS_FIELD_NUMBER: _ClassVar[int]
    heads: _containers.RepeatedCompositeFieldContainer[HeadProfile]
    def __init__(self, heads: _Optional[_Iterable[_Union[HeadProfile, _Mapping]]] = ...) -> None: ...

class RepeatScores(_message.Message):
    __slots__ = ["duplicate", "induction"]
    DUPLICATE_FIELD_NUMBER: _ClassVar[int]
    INDUCTION_FIELD_NUMBER: _ClassVar[int]
    duplicate: float
    induction: float
    def __init__(self, duplicate: _Optional[float] = ..., induction: _Optional[float] = ...) -> None: ...

class TokenPair(_message.Message):
    __slots__ = ["destination", "places", "source", "weight"]
    DESTINATION_FIELD_NUMBER: _ClassVar[int]
    PLACES_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    destination: _common_pb2.Token
    places: int
    source: _common_pb2.Token
    weight: float
    def __init__(self, destination: _Optional[_Union[_common_pb2.Token, _Mapping]] = ..., source: _Optional[_Union[_common_pb2.Token, _Mapping]] = ..., weight: _Optional[float] = ..., places: _Optional[int] = ...) -> None: ...

class HeadAblation(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
