from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor
RESIDENCY_KNOWN: Residency
RESIDENCY_LOADING: Residency
RESIDENCY_RESIDENT: Residency
RESIDENCY_UNSPECIFIED: Residency

class DescribeModelReply(_message.Message):
    __slots__ = ["hooks", "model", "raw", "steps"]
    HOOKS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    RAW_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    hooks: _containers.RepeatedCompositeFieldContainer[HookShape]
    model: ModelDescription
    raw: bool
    steps: _containers.RepeatedCompositeFieldContainer[ProcessingStep]
    def __init__(self, model: _Optional[_Union[ModelDescription, _Mapping]] = ..., raw: bool = ..., hooks: _Optional[_Iterable[_Union[HookShape, _Mapping]]] = ..., steps: _Optional[_Iterable[_Union[ProcessingStep, _Mapping]]] = ...) -> None: ...

class DescribeModelRequest(_message.Message):
    __slots__ = ["model"]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    model: bytes
    def __init__(self, model: _Optional[bytes] = ...) -> None: ...

class HookAxis(_message.Message):
    __slots__ = ["name", "size"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    name: bytes
    size: int
    def __init__(self, name: _Optional[bytes] = ..., size: _Optional[int] = ...) -> None: ...

class HookPointDescription(_message.Message):
    __slots__ = ["name", "on_demand"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ON_DEMAND_FIELD_NUMBER: _ClassVar[int]
    name: bytes
    on_demand: bool
    def __init__(self, name: _Optional[bytes] = ..., on_demand: bool = ...) -> None: ...

class HookShape(_message.Message):
    __slots__ = ["axes", "layers", "name", "on_demand"]
    AXES_FIELD_NUMBER: _ClassVar[int]
    LAYERS_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ON_DEMAND_FIELD_NUMBER: _ClassVar[int]
    axes: _containers.RepeatedCompositeFieldContainer[HookAxis]
    layers: _containers.RepeatedScalarFieldContainer[int]
    name: bytes
    on_demand: bool
    def __init__(self, name: _Optional[bytes] = ..., layers: _Optional[_Iterable[int]] = ..., axes: _Optional[_Iterable[_Union[HookAxis, _Mapping]]] = ..., on_demand: bool = ...) -> None: ...

class ListModelsReply(_message.Message):
    __slots__ = ["models", "states"]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    STATES_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedCompositeFieldContainer[ModelDescription]
    states: _containers.RepeatedCompositeFieldContainer[ModelState]
    def __init__(self, models: _Optional[_Iterable[_Union[ModelDescription, _Mapping]]] = ..., states: _Optional[_Iterable[_Union[ModelState, _Mapping]]] = ...) -> None: ...

class ListModelsRequest(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class LoadModelEvent(_message.Message):
    __slots__ = ["model", "progress"]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    model: ModelDescription
    progress: LoadProgress
    def __init__(self, progress: _Optional[_Union[LoadProgress, _Mapping]] = ..., model: _Optional[_Union[ModelDescription, _Mapping]] = ...) -> None: ...

class LoadModelRequest(_message.Message):
    __slots__ = ["name"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: bytes
    def __init__(self, name: _Optional[bytes] = ...) -> None: ...

class LoadProgress(_message.Message):
    __slots__ = ["done_bytes", "total_bytes"]
    DONE_BYTES_FIELD_NUMBER: _ClassVar[int]
    TOTAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    done_bytes: int
    total_bytes: int
    def __init__(self, done_bytes: _Optional[int] = ..., total_bytes: _Optional[int] = ...) -> None: ...

class ModelConfiguration(_message.Message):
    __slots__ = ["act_fn", "attn_only", "attn_scale", "attn_scores_soft_cap", "attn_types", "clip_qkv", "d_head", "d_mlp", "d_model", "d_vocab", "default_prepend_bos", "embed_scale", "eps", "final_rms", "gated_mlp", "n_ctx", "n_heads", "n_key_value_heads", "n_layers", "norm_placement", "normalization_type", "original_architecture", "output_logits_soft_cap", "parallel_attn_mlp", "positional_embedding_type", "post_embedding_ln", "processing_steps", "qk_norm", "rotary", "scale_attn_by_inverse_layer_idx", "tied_embedding", "window_size"]
    ACT_FN_FIELD_NUMBER: _ClassVar[int]
    ATTN_ONLY_FIELD_NUMBER: _ClassVar[int]
    ATTN_SCALE_FIELD_NUMBER: _ClassVar[int]
    ATTN_SCORES_SOFT_CAP_FIELD_NUMBER: _ClassVar[int]
    ATTN_TYPES_FIELD_NUMBER: _ClassVar[int]
    CLIP_QKV_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_PREPEND_BOS_FIELD_NUMBER: _ClassVar[int]
    D_HEAD_FIELD_NUMBER: _ClassVar[int]
    D_MLP_FIELD_NUMBER: _ClassVar[int]
    D_MODEL_FIELD_NUMBER: _ClassVar[int]
    D_VOCAB_FIELD_NUMBER: _ClassVar[int]
    EMBED_SCALE_FIELD_NUMBER: _ClassVar[int]
    EPS_FIELD_NUMBER: _ClassVar[int]
    FINAL_RMS_FIELD_NUMBER: _ClassVar[int]
    GATED_MLP_FIELD_NUMBER: _ClassVar[int]
    NORMALIZATION_TYPE_FIELD_NUMBER: _ClassVar[int]
    NORM_PLACEMENT_FIELD_NUMBER: _ClassVar[int]
    N_CTX_FIELD_NUMBER: _ClassVar[int]
    N_HEADS_FIELD_NUMBER: _ClassVar[int]
    N_KEY_VALUE_HEADS_FIELD_NUMBER: _ClassVar[int]
    N_LAYERS_FIELD_NUMBER: _ClassVar[int]
    ORIGINAL_ARCHITECTURE_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_LOGITS_SOFT_CAP_FIELD_NUMBER: _ClassVar[int]
    PARALLEL_ATTN_MLP_FIELD_NUMBER: _ClassVar[int]
    POSITIONAL_EMBEDDING_TYPE_FIELD_NUMBER: _ClassVar[int]
    POST_EMBEDDING_LN_FIELD_NUMBER: _ClassVar[int]
    PROCESSING_STEPS_FIELD_NUMBER: _ClassVar[int]
    QK_NORM_FIELD_NUMBER: _ClassVar[int]
    ROTARY_FIELD_NUMBER: _ClassVar[int]
    SCALE_ATTN_BY_INVERSE_LAYER_IDX_FIELD_NUMBER: _ClassVar[int]
    TIED_EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    WINDOW_SIZE_FIELD_NUMBER: _ClassVar[int]
    act_fn: bytes
    attn_only: bool
    attn_scale: float
    attn_scores_soft_cap: float
    attn_types: _containers.RepeatedScalarFieldContainer[bytes]
    clip_qkv: float
    d_head: int
    d_mlp: int
    d_model: int
    d_vocab: int
    default_prepend_bos: bool
    embed_scale: float
    eps: float
    final_rms: bool
    gated_mlp: bool
    n_ctx: int
    n_heads: int
    n_key_value_heads: int
    n_layers: int
    norm_placement: bytes
    normalization_type: bytes
    original_architecture: bytes
    output_logits_soft_cap: float
    parallel_attn_mlp: bool
    positional_embedding_type: bytes
    post_embedding_ln: bool
    processing_steps: _containers.RepeatedScalarFieldContainer[bytes]
    qk_norm: bytes
    rotary: Rotary
    scale_attn_by_inverse_layer_idx: bool
    tied_embedding: bool
    window_size: int
    def __init__(self, original_architecture: _Optional[bytes] = ..., n_layers: _Optional[int] = ..., n_heads: _Optional[int] = ..., d_model: _Optional[int] = ..., d_head: _Optional[int] = ..., d_mlp: _Optional[int] = ..., n_ctx: _Optional[int] = ..., d_vocab: _Optional[int] = ..., act_fn: _Optional[bytes] = ..., eps: _Optional[float] = ..., attn_scale: _Optional[float] = ..., attn_types: _Optional[_Iterable[bytes]] = ..., window_size: _Optional[int] = ..., tied_embedding: bool = ..., n_key_value_heads: _Optional[int] = ..., normalization_type: _Optional[bytes] = ..., norm_placement: _Optional[bytes] = ..., final_rms: bool = ..., positional_embedding_type: _Optional[bytes] = ..., rotary: _Optional[_Union[Rotary, _Mapping]] = ..., post_embedding_ln: bool = ..., embed_scale: _Optional[float] = ..., attn_only: bool = ..., parallel_attn_mlp: bool = ..., gated_mlp: bool = ..., scale_attn_by_inverse_layer_idx: bool = ..., attn_scores_soft_cap: _Optional[float] = ..., output_logits_soft_cap: _Optional[float] = ..., clip_qkv: _Optional[float] = ..., qk_norm: _Optional[bytes] = ..., default_prepend_bos: bool = ..., processing_steps: _Optional[_Iterable[bytes]] = ...) -> None: ...

class ModelDescription(_message.Message):
    __slots__ = ["bos_token_id", "configuration", "fingerprint", "hook_points", "is_default", "name", "parameter_count", "weight_bytes"]
    BOS_TOKEN_ID_FIELD_NUMBER: _ClassVar[int]
    CONFIGURATION_FIELD_NUMBER: _ClassVar[int]
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    HOOK_POINTS_FIELD_NUMBER: _ClassVar[int]
    IS_DEFAULT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PARAMETER_COUNT_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_BYTES_FIELD_NUMBER: _ClassVar[int]
    bos_token_id: int
    configuration: ModelConfiguration
    fingerprint: bytes
    hook_points: _containers.RepeatedCompositeFieldContainer[HookPointDescription]
    is_default: bool
    name: bytes
    parameter_count: int
    weight_bytes: int
    def __init__(self, name: _Optional[bytes] = ..., configuration: _Optional[_Union[ModelConfiguration, _Mapping]] = ..., fingerprint: _Optional[bytes] = ..., weight_bytes: _Optional[int] = ..., parameter_count: _Optional[int] = ..., is_default: bool = ..., bos_token_id: _Optional[int] = ..., hook_points: _Optional[_Iterable[_Union[HookPointDescription, _Mapping]]] = ...) -> None: ...

class ModelState(_message.Message):
    __slots__ = ["in_use", "is_configured", "is_default", "is_pinned", "load_seconds", "name", "note", "progress", "residency", "weight_bytes"]
    IN_USE_FIELD_NUMBER: _ClassVar[int]
    IS_CONFIGURED_FIELD_NUMBER: _ClassVar[int]
    IS_DEFAULT_FIELD_NUMBER: _ClassVar[int]
    IS_PINNED_FIELD_NUMBER: _ClassVar[int]
    LOAD_SECONDS_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    RESIDENCY_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_BYTES_FIELD_NUMBER: _ClassVar[int]
    in_use: bool
    is_configured: bool
    is_default: bool
    is_pinned: bool
    load_seconds: float
    name: bytes
    note: bytes
    progress: LoadProgress
    residency: Residency
    weight_bytes: int
    def __init__(self, name: _Optional[bytes] = ..., residency: _Optional[_Union[Residency, str]] = ..., is_default: bool = ..., is_pinned: bool = ..., in_use: bool = ..., weight_bytes: _Optional[int] = ..., load_seconds: _Optional[float] = ..., progress: _Optional[_Union[LoadProgress, _Mapping]] = ..., note: _Optional[bytes] = ..., is_configured: bool = ...) -> None: ...

class ProcessingStep(_message.Message):
    __slots__ = ["applied", "detail", "name"]
    APPLIED_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    applied: bool
    detail: bytes
    name: bytes
    def __init__(self, name: _Optional[bytes] = ..., applied: bool = ..., detail: _Optional[bytes] = ...) -> None: ...

class RenameModelReply(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class RenameModelRequest(_message.Message):
    __slots__ = ["name", "new_name"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    NEW_NAME_FIELD_NUMBER: _ClassVar[int]
    name: bytes
    new_name: bytes
    def __init__(self, name: _Optional[bytes] = ..., new_name: _Optional[bytes] = ...) -> None: ...

class Rotary(_message.Message):
    __slots__ = ["adjacent_pairs", "attention_factor", "beta_fast", "beta_slow", "dim", "factor", "high_frequency_factor", "low_frequency_factor", "original_context", "rotary_base", "scaling", "truncates"]
    ADJACENT_PAIRS_FIELD_NUMBER: _ClassVar[int]
    ATTENTION_FACTOR_FIELD_NUMBER: _ClassVar[int]
    BETA_FAST_FIELD_NUMBER: _ClassVar[int]
    BETA_SLOW_FIELD_NUMBER: _ClassVar[int]
    DIM_FIELD_NUMBER: _ClassVar[int]
    FACTOR_FIELD_NUMBER: _ClassVar[int]
    HIGH_FREQUENCY_FACTOR_FIELD_NUMBER: _ClassVar[int]
    LOW_FREQUENCY_FACTOR_FIELD_NUMBER: _ClassVar[int]
    ORIGINAL_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    ROTARY_BASE_FIELD_NUMBER: _ClassVar[int]
    SCALING_FIELD_NUMBER: _ClassVar[int]
    TRUNCATES_FIELD_NUMBER: _ClassVar[int]
    adjacent_pairs: bool
    attention_factor: float
    beta_fast: float
    beta_slow: float
    dim: int
    factor: float
    high_frequency_factor: float
    low_frequency_factor: float
    original_context: int
    rotary_base: float
    scaling: bytes
    truncates: bool
    def __init__(self, dim: _Optional[int] = ..., rotary_base: _Optional[float] = ..., adjacent_pairs: bool = ..., scaling: _Optional[bytes] = ..., factor: _Optional[float] = ..., low_frequency_factor: _Optional[float] = ..., high_frequency_factor: _Optional[float] = ..., original_context: _Optional[int] = ..., attention_factor: _Optional[float] = ..., beta_fast: _Optional[float] = ..., beta_slow: _Optional[float] = ..., truncates: bool = ...) -> None: ...

class UnloadModelReply(_message.Message):
    __slots__ = ["in_use"]
    IN_USE_FIELD_NUMBER: _ClassVar[int]
    in_use: bool
    def __init__(self, in_use: bool = ...) -> None: ...

class UnloadModelRequest(_message.Message):
    __slots__ = ["name"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: bytes
    def __init__(self, name: _Optional[bytes] = ...) -> None: ...

class Residency(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
