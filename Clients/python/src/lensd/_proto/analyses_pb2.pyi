from lensd._proto import common_pb2 as _common_pb2
from lensd._proto import inference_pb2 as _inference_pb2
from lensd._proto import interventions_pb2 as _interventions_pb2
from lensd._proto import run_pb2 as _run_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

ATTRIBUTION_DETAIL_ACCUMULATED: AttributionDetail
ATTRIBUTION_DETAIL_HEADS: AttributionDetail
ATTRIBUTION_DETAIL_LAYERS: AttributionDetail
ATTRIBUTION_DETAIL_NEURONS: AttributionDetail
ATTRIBUTION_DETAIL_UNSPECIFIED: AttributionDetail
COMPONENT_ATTENTION: ComponentKind
COMPONENT_ATTENTION_BIAS: ComponentKind
COMPONENT_BIAS: ComponentKind
COMPONENT_EMBED: ComponentKind
COMPONENT_HEAD: ComponentKind
COMPONENT_MLP: ComponentKind
COMPONENT_NEURON: ComponentKind
COMPONENT_POS_EMBED: ComponentKind
COMPONENT_RESID_MID: ComponentKind
COMPONENT_RESID_PRE: ComponentKind
COMPONENT_REST: ComponentKind
COMPONENT_UNSPECIFIED: ComponentKind
DESCRIPTOR: _descriptor.FileDescriptor
DETECTED_HEAD_DUPLICATE_TOKEN: DetectedHead
DETECTED_HEAD_INDUCTION: DetectedHead
DETECTED_HEAD_PREVIOUS_TOKEN: DetectedHead
DETECTED_HEAD_TARGET: DetectedHead
DETECTED_HEAD_UNSPECIFIED: DetectedHead
DETECTION_MEASURE_ABS: DetectionMeasure
DETECTION_MEASURE_MUL: DetectionMeasure
DETECTION_MEASURE_UNSPECIFIED: DetectionMeasure
REDUCTION_DIAGONAL: ReductionKind
REDUCTION_DIAGONAL_MEAN: ReductionKind
REDUCTION_ENTROPY: ReductionKind
REDUCTION_MAX: ReductionKind
REDUCTION_MEAN: ReductionKind
REDUCTION_NORM: ReductionKind
REDUCTION_TOP: ReductionKind
REDUCTION_UNSPECIFIED: ReductionKind
SPLIT_DETAIL_COMPONENTS: SplitDetail
SPLIT_DETAIL_GROUPS: SplitDetail
SPLIT_DETAIL_LAYERS: SplitDetail
SPLIT_DETAIL_UNSPECIFIED: SplitDetail

class AnalyzedPass(_message.Message):
    __slots__ = ["prompts", "run"]
    PROMPTS_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    prompts: _inference_pb2.PassSource
    run: bytes
    def __init__(self, run: _Optional[bytes] = ..., prompts: _Optional[_Union[_inference_pb2.PassSource, _Mapping]] = ...) -> None: ...

class AttributeReply(_message.Message):
    __slots__ = ["components", "model", "prompts"]
    COMPONENTS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PROMPTS_FIELD_NUMBER: _ClassVar[int]
    components: _containers.RepeatedCompositeFieldContainer[ResidualComponent]
    model: _run_pb2.ModelStamp
    prompts: _containers.RepeatedCompositeFieldContainer[PromptAttribution]
    def __init__(self, model: _Optional[_Union[_run_pb2.ModelStamp, _Mapping]] = ..., components: _Optional[_Iterable[_Union[ResidualComponent, _Mapping]]] = ..., prompts: _Optional[_Iterable[_Union[PromptAttribution, _Mapping]]] = ...) -> None: ...

class AttributeRequest(_message.Message):
    __slots__ = ["detail", "positions", "tokens", "top_count", "with_mid", "wrong_tokens"]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    PASS_FIELD_NUMBER: _ClassVar[int]
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    TOP_COUNT_FIELD_NUMBER: _ClassVar[int]
    WITH_MID_FIELD_NUMBER: _ClassVar[int]
    WRONG_TOKENS_FIELD_NUMBER: _ClassVar[int]
    detail: AttributionDetail
    positions: _containers.RepeatedScalarFieldContainer[int]
    tokens: _containers.RepeatedScalarFieldContainer[int]
    top_count: int
    with_mid: bool
    wrong_tokens: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, tokens: _Optional[_Iterable[int]] = ..., wrong_tokens: _Optional[_Iterable[int]] = ..., positions: _Optional[_Iterable[int]] = ..., detail: _Optional[_Union[AttributionDetail, str]] = ..., top_count: _Optional[int] = ..., with_mid: bool = ..., **kwargs) -> None: ...

class DetectHeadsReply(_message.Message):
    __slots__ = ["detections", "model", "tokens"]
    DETECTIONS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    detections: _containers.RepeatedCompositeFieldContainer[HeadDetection]
    model: _run_pb2.ModelStamp
    tokens: _containers.RepeatedCompositeFieldContainer[_common_pb2.TokenList]
    def __init__(self, model: _Optional[_Union[_run_pb2.ModelStamp, _Mapping]] = ..., tokens: _Optional[_Iterable[_Union[_common_pb2.TokenList, _Mapping]]] = ..., detections: _Optional[_Iterable[_Union[HeadDetection, _Mapping]]] = ...) -> None: ...

class DetectHeadsRequest(_message.Message):
    __slots__ = ["exclude_bos", "exclude_current_token", "kinds", "measure", "target"]
    EXCLUDE_BOS_FIELD_NUMBER: _ClassVar[int]
    EXCLUDE_CURRENT_TOKEN_FIELD_NUMBER: _ClassVar[int]
    KINDS_FIELD_NUMBER: _ClassVar[int]
    MEASURE_FIELD_NUMBER: _ClassVar[int]
    PASS_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    exclude_bos: bool
    exclude_current_token: bool
    kinds: _containers.RepeatedScalarFieldContainer[DetectedHead]
    measure: DetectionMeasure
    target: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, kinds: _Optional[_Iterable[_Union[DetectedHead, str]]] = ..., measure: _Optional[_Union[DetectionMeasure, str]] = ..., exclude_bos: bool = ..., exclude_current_token: bool = ..., target: _Optional[_Iterable[float]] = ..., **kwargs) -> None: ...

class HeadDetection(_message.Message):
    __slots__ = ["kind", "scores"]
    KIND_FIELD_NUMBER: _ClassVar[int]
    SCORES_FIELD_NUMBER: _ClassVar[int]
    kind: DetectedHead
    scores: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, kind: _Optional[_Union[DetectedHead, str]] = ..., scores: _Optional[_Iterable[float]] = ...) -> None: ...

class LogitLensReply(_message.Message):
    __slots__ = ["model", "points", "prompts", "tokens", "top_count", "vocabulary"]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    POINTS_FIELD_NUMBER: _ClassVar[int]
    PROMPTS_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    TOP_COUNT_FIELD_NUMBER: _ClassVar[int]
    VOCABULARY_FIELD_NUMBER: _ClassVar[int]
    model: _run_pb2.ModelStamp
    points: _containers.RepeatedScalarFieldContainer[bytes]
    prompts: _containers.RepeatedCompositeFieldContainer[PromptLens]
    tokens: _containers.RepeatedScalarFieldContainer[int]
    top_count: int
    vocabulary: _containers.RepeatedCompositeFieldContainer[_common_pb2.Token]
    def __init__(self, model: _Optional[_Union[_run_pb2.ModelStamp, _Mapping]] = ..., points: _Optional[_Iterable[bytes]] = ..., vocabulary: _Optional[_Iterable[_Union[_common_pb2.Token, _Mapping]]] = ..., tokens: _Optional[_Iterable[int]] = ..., top_count: _Optional[int] = ..., prompts: _Optional[_Iterable[_Union[PromptLens, _Mapping]]] = ...) -> None: ...

class LogitLensRequest(_message.Message):
    __slots__ = ["layers", "positions", "tokens", "top_count", "with_mid"]
    LAYERS_FIELD_NUMBER: _ClassVar[int]
    PASS_FIELD_NUMBER: _ClassVar[int]
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    TOP_COUNT_FIELD_NUMBER: _ClassVar[int]
    WITH_MID_FIELD_NUMBER: _ClassVar[int]
    layers: _containers.RepeatedScalarFieldContainer[int]
    positions: _containers.RepeatedScalarFieldContainer[int]
    tokens: _containers.RepeatedScalarFieldContainer[int]
    top_count: int
    with_mid: bool
    def __init__(self, positions: _Optional[_Iterable[int]] = ..., layers: _Optional[_Iterable[int]] = ..., with_mid: bool = ..., top_count: _Optional[int] = ..., tokens: _Optional[_Iterable[int]] = ..., **kwargs) -> None: ...

class PromptAttribution(_message.Message):
    __slots__ = ["answers", "neuron_layers", "neuron_terms", "neurons", "positions", "terms", "tokens", "totals", "wrong"]
    ANSWERS_FIELD_NUMBER: _ClassVar[int]
    NEURONS_FIELD_NUMBER: _ClassVar[int]
    NEURON_LAYERS_FIELD_NUMBER: _ClassVar[int]
    NEURON_TERMS_FIELD_NUMBER: _ClassVar[int]
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    TERMS_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    TOTALS_FIELD_NUMBER: _ClassVar[int]
    WRONG_FIELD_NUMBER: _ClassVar[int]
    answers: _containers.RepeatedCompositeFieldContainer[_common_pb2.Token]
    neuron_layers: _containers.RepeatedScalarFieldContainer[int]
    neuron_terms: _containers.RepeatedScalarFieldContainer[float]
    neurons: _containers.RepeatedScalarFieldContainer[int]
    positions: _containers.RepeatedScalarFieldContainer[int]
    terms: _containers.RepeatedScalarFieldContainer[float]
    tokens: _containers.RepeatedCompositeFieldContainer[_common_pb2.Token]
    totals: _containers.RepeatedScalarFieldContainer[float]
    wrong: _containers.RepeatedCompositeFieldContainer[_common_pb2.Token]
    def __init__(self, tokens: _Optional[_Iterable[_Union[_common_pb2.Token, _Mapping]]] = ..., positions: _Optional[_Iterable[int]] = ..., answers: _Optional[_Iterable[_Union[_common_pb2.Token, _Mapping]]] = ..., wrong: _Optional[_Iterable[_Union[_common_pb2.Token, _Mapping]]] = ..., totals: _Optional[_Iterable[float]] = ..., terms: _Optional[_Iterable[float]] = ..., neuron_layers: _Optional[_Iterable[int]] = ..., neurons: _Optional[_Iterable[int]] = ..., neuron_terms: _Optional[_Iterable[float]] = ...) -> None: ...

class PromptLens(_message.Message):
    __slots__ = ["divergences", "entropies", "log_sums", "next_logprobs", "next_ranks", "positions", "token_logprobs", "token_ranks", "tokens", "top_logprobs", "top_tokens"]
    DIVERGENCES_FIELD_NUMBER: _ClassVar[int]
    ENTROPIES_FIELD_NUMBER: _ClassVar[int]
    LOG_SUMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_LOGPROBS_FIELD_NUMBER: _ClassVar[int]
    NEXT_RANKS_FIELD_NUMBER: _ClassVar[int]
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    TOKEN_LOGPROBS_FIELD_NUMBER: _ClassVar[int]
    TOKEN_RANKS_FIELD_NUMBER: _ClassVar[int]
    TOP_LOGPROBS_FIELD_NUMBER: _ClassVar[int]
    TOP_TOKENS_FIELD_NUMBER: _ClassVar[int]
    divergences: _containers.RepeatedScalarFieldContainer[float]
    entropies: _containers.RepeatedScalarFieldContainer[float]
    log_sums: _containers.RepeatedScalarFieldContainer[float]
    next_logprobs: _containers.RepeatedScalarFieldContainer[float]
    next_ranks: _containers.RepeatedScalarFieldContainer[int]
    positions: _containers.RepeatedScalarFieldContainer[int]
    token_logprobs: _containers.RepeatedScalarFieldContainer[float]
    token_ranks: _containers.RepeatedScalarFieldContainer[int]
    tokens: _containers.RepeatedCompositeFieldContainer[_common_pb2.Token]
    top_logprobs: _containers.RepeatedScalarFieldContainer[float]
    top_tokens: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, tokens: _Optional[_Iterable[_Union[_common_pb2.Token, _Mapping]]] = ..., positions: _Optional[_Iterable[int]] = ..., top_tokens: _Optional[_Iterable[int]] = ..., top_logprobs: _Optional[_Iterable[float]] = ..., log_sums: _Optional[_Iterable[float]] = ..., entropies: _Optional[_Iterable[float]] = ..., divergences: _Optional[_Iterable[float]] = ..., next_logprobs: _Optional[_Iterable[float]] = ..., next_ranks: _Optional[_Iterable[int]] = ..., token_logprobs: _Optional[_Iterable[float]] = ..., token_ranks: _Optional[_Iterable[int]] = ...) -> None: ...

class ReduceReply(_message.Message):
    __slots__ = ["model", "prompts"]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PROMPTS_FIELD_NUMBER: _ClassVar[int]
    model: _run_pb2.ModelStamp
    prompts: _containers.RepeatedCompositeFieldContainer[ReducedPrompt]
    def __init__(self, model: _Optional[_Union[_run_pb2.ModelStamp, _Mapping]] = ..., prompts: _Optional[_Iterable[_Union[ReducedPrompt, _Mapping]]] = ...) -> None: ...

class ReduceRequest(_message.Message):
    __slots__ = ["reductions"]
    PASS_FIELD_NUMBER: _ClassVar[int]
    REDUCTIONS_FIELD_NUMBER: _ClassVar[int]
    reductions: _containers.RepeatedCompositeFieldContainer[Reduction]
    def __init__(self, reductions: _Optional[_Iterable[_Union[Reduction, _Mapping]]] = ..., **kwargs) -> None: ...

class ReducedActivation(_message.Message):
    __slots__ = ["hook", "indices", "reduction", "shape", "values"]
    HOOK_FIELD_NUMBER: _ClassVar[int]
    INDICES_FIELD_NUMBER: _ClassVar[int]
    REDUCTION_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    hook: bytes
    indices: _containers.RepeatedScalarFieldContainer[int]
    reduction: int
    shape: _containers.RepeatedScalarFieldContainer[int]
    values: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, hook: _Optional[bytes] = ..., reduction: _Optional[int] = ..., shape: _Optional[_Iterable[int]] = ..., values: _Optional[_Iterable[float]] = ..., indices: _Optional[_Iterable[int]] = ...) -> None: ...

class ReducedPrompt(_message.Message):
    __slots__ = ["activations", "tokens"]
    ACTIVATIONS_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    activations: _containers.RepeatedCompositeFieldContainer[ReducedActivation]
    tokens: _containers.RepeatedCompositeFieldContainer[_common_pb2.Token]
    def __init__(self, tokens: _Optional[_Iterable[_Union[_common_pb2.Token, _Mapping]]] = ..., activations: _Optional[_Iterable[_Union[ReducedActivation, _Mapping]]] = ...) -> None: ...

class Reduction(_message.Message):
    __slots__ = ["count", "hook", "kind", "offset"]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    HOOK_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    count: int
    hook: bytes
    kind: ReductionKind
    offset: int
    def __init__(self, hook: _Optional[bytes] = ..., kind: _Optional[_Union[ReductionKind, str]] = ..., offset: _Optional[int] = ..., count: _Optional[int] = ...) -> None: ...

class ResidualComponent(_message.Message):
    __slots__ = ["index", "kind", "label", "layer"]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    LAYER_FIELD_NUMBER: _ClassVar[int]
    index: int
    kind: ComponentKind
    label: bytes
    layer: int
    def __init__(self, kind: _Optional[_Union[ComponentKind, str]] = ..., layer: _Optional[int] = ..., index: _Optional[int] = ..., label: _Optional[bytes] = ...) -> None: ...

class ScoreInductionReply(_message.Message):
    __slots__ = ["model", "scores", "sequences"]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    SCORES_FIELD_NUMBER: _ClassVar[int]
    SEQUENCES_FIELD_NUMBER: _ClassVar[int]
    model: _run_pb2.ModelStamp
    scores: _containers.RepeatedScalarFieldContainer[float]
    sequences: _containers.RepeatedCompositeFieldContainer[_common_pb2.TokenPrompt]
    def __init__(self, model: _Optional[_Union[_run_pb2.ModelStamp, _Mapping]] = ..., sequences: _Optional[_Iterable[_Union[_common_pb2.TokenPrompt, _Mapping]]] = ..., scores: _Optional[_Iterable[float]] = ...) -> None: ...

class ScoreInductionRequest(_message.Message):
    __slots__ = ["batch", "interventions", "length", "model", "prepend_bos", "seed"]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    INTERVENTIONS_FIELD_NUMBER: _ClassVar[int]
    LENGTH_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PREPEND_BOS_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    batch: int
    interventions: _containers.RepeatedCompositeFieldContainer[_interventions_pb2.Intervention]
    length: int
    model: bytes
    prepend_bos: bool
    seed: int
    def __init__(self, model: _Optional[bytes] = ..., interventions: _Optional[_Iterable[_Union[_interventions_pb2.Intervention, _Mapping]]] = ..., length: _Optional[int] = ..., batch: _Optional[int] = ..., seed: _Optional[int] = ..., prepend_bos: bool = ...) -> None: ...

class ScorePair(_message.Message):
    __slots__ = ["key", "query", "value"]
    KEY_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    key: ResidualComponent
    query: ResidualComponent
    value: float
    def __init__(self, query: _Optional[_Union[ResidualComponent, _Mapping]] = ..., key: _Optional[_Union[ResidualComponent, _Mapping]] = ..., value: _Optional[float] = ...) -> None: ...

class SplitScoreReply(_message.Message):
    __slots__ = ["components", "destinations", "model", "pattern", "position_bias", "rotary", "scores", "soft_cap", "sources", "terms", "tokens", "top"]
    COMPONENTS_FIELD_NUMBER: _ClassVar[int]
    DESTINATIONS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PATTERN_FIELD_NUMBER: _ClassVar[int]
    POSITION_BIAS_FIELD_NUMBER: _ClassVar[int]
    ROTARY_FIELD_NUMBER: _ClassVar[int]
    SCORES_FIELD_NUMBER: _ClassVar[int]
    SOFT_CAP_FIELD_NUMBER: _ClassVar[int]
    SOURCES_FIELD_NUMBER: _ClassVar[int]
    TERMS_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    TOP_FIELD_NUMBER: _ClassVar[int]
    components: _containers.RepeatedCompositeFieldContainer[ResidualComponent]
    destinations: _containers.RepeatedScalarFieldContainer[int]
    model: _run_pb2.ModelStamp
    pattern: _containers.RepeatedScalarFieldContainer[float]
    position_bias: _containers.RepeatedScalarFieldContainer[float]
    rotary: bool
    scores: _containers.RepeatedScalarFieldContainer[float]
    soft_cap: float
    sources: _containers.RepeatedScalarFieldContainer[int]
    terms: _containers.RepeatedScalarFieldContainer[float]
    tokens: _containers.RepeatedCompositeFieldContainer[_common_pb2.Token]
    top: _containers.RepeatedCompositeFieldContainer[ScorePair]
    def __init__(self, model: _Optional[_Union[_run_pb2.ModelStamp, _Mapping]] = ..., tokens: _Optional[_Iterable[_Union[_common_pb2.Token, _Mapping]]] = ..., destinations: _Optional[_Iterable[int]] = ..., sources: _Optional[_Iterable[int]] = ..., components: _Optional[_Iterable[_Union[ResidualComponent, _Mapping]]] = ..., scores: _Optional[_Iterable[float]] = ..., pattern: _Optional[_Iterable[float]] = ..., terms: _Optional[_Iterable[float]] = ..., position_bias: _Optional[_Iterable[float]] = ..., soft_cap: _Optional[float] = ..., rotary: bool = ..., top: _Optional[_Iterable[_Union[ScorePair, _Mapping]]] = ...) -> None: ...

class SplitScoreRequest(_message.Message):
    __slots__ = ["destinations", "detail", "head", "layer", "prompt_index", "relative", "sources", "top_count"]
    DESTINATIONS_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    LAYER_FIELD_NUMBER: _ClassVar[int]
    PASS_FIELD_NUMBER: _ClassVar[int]
    PROMPT_INDEX_FIELD_NUMBER: _ClassVar[int]
    RELATIVE_FIELD_NUMBER: _ClassVar[int]
    SOURCES_FIELD_NUMBER: _ClassVar[int]
    TOP_COUNT_FIELD_NUMBER: _ClassVar[int]
    destinations: _containers.RepeatedScalarFieldContainer[int]
    detail: SplitDetail
    head: int
    layer: int
    prompt_index: int
    relative: bool
    sources: _containers.RepeatedScalarFieldContainer[int]
    top_count: int
    def __init__(self, prompt_index: _Optional[int] = ..., layer: _Optional[int] = ..., head: _Optional[int] = ..., destinations: _Optional[_Iterable[int]] = ..., sources: _Optional[_Iterable[int]] = ..., detail: _Optional[_Union[SplitDetail, str]] = ..., relative: bool = ..., top_count: _Optional[int] = ..., **kwargs) -> None: ...

class ComponentKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class SplitDetail(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class AttributionDetail(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class ReductionKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class DetectedHead(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class DetectionMeasure(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
