from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class HookPointDescription(_message.Message):
    __slots__ = ["name", "on_demand"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ON_DEMAND_FIELD_NUMBER: _ClassVar[int]
    name: bytes
    on_demand: bool
    def __init__(self, name: _Optional[bytes] = ..., on_demand: bool = ...) -> None: ...

class ListModelsReply(_message.Message):
    __slots__ = ["models"]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedCompositeFieldContainer[ModelDescription]
    def __init__(self, models: _Optional[_Iterable[_Union[ModelDescription, _Mapping]]] = ...) -> None: ...

class ListModelsRequest(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class ModelConfiguration(_message.Message):
    __slots__ = ["act_fn", "attn_scale", "attn_types", "d_head", "d_mlp", "d_model", "d_vocab", "eps", "n_ctx", "n_heads", "n_layers", "original_architecture", "tied_embedding", "window_size"]
    ACT_FN_FIELD_NUMBER: _ClassVar[int]
    ATTN_SCALE_FIELD_NUMBER: _ClassVar[int]
    ATTN_TYPES_FIELD_NUMBER: _ClassVar[int]
    D_HEAD_FIELD_NUMBER: _ClassVar[int]
    D_MLP_FIELD_NUMBER: _ClassVar[int]
    D_MODEL_FIELD_NUMBER: _ClassVar[int]
    D_VOCAB_FIELD_NUMBER: _ClassVar[int]
    EPS_FIELD_NUMBER: _ClassVar[int]
    N_CTX_FIELD_NUMBER: _ClassVar[int]
    N_HEADS_FIELD_NUMBER: _ClassVar[int]
    N_LAYERS_FIELD_NUMBER: _ClassVar[int]
    ORIGINAL_ARCHITECTURE_FIELD_NUMBER: _ClassVar[int]
    TIED_EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    WINDOW_SIZE_FIELD_NUMBER: _ClassVar[int]
    act_fn: bytes
    attn_scale: float
    attn_types: _containers.RepeatedScalarFieldContainer[bytes]
    d_head: int
    d_mlp: int
    d_model: int
    d_vocab: int
    eps: float
    n_ctx: int
    n_heads: int
    n_layers: int
    original_architecture: bytes
    tied_embedding: bool
    window_size: int
    def __init__(self, original_architecture: _Optional[bytes] = ..., n_layers: _Optional[int] = ..., n_heads: _Optional[int] = ..., d_model: _Optional[int] = ..., d_head: _Optional[int] = ..., d_mlp: _Optional[int] = ..., n_ctx: _Optional[int] = ..., d_vocab: _Optional[int] = ..., act_fn: _Optional[bytes] = ..., eps: _Optional[float] = ..., attn_scale: _Optional[float] = ..., attn_types: _Optional[_Iterable[bytes]] = ..., window_size: _Optional[int] = ..., tied_embedding: bool = ...) -> None: ...

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
