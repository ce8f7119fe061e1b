from lensd._proto import common_pb2 as _common_pb2
from lensd._proto import interventions_pb2 as _interventions_pb2
from lensd._proto import run_pb2 as _run_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor
METRIC_DIVERGENCE: MetricKind
METRIC_LOGIT: MetricKind
METRIC_LOGIT_DIFFERENCE: MetricKind
METRIC_LOSS: MetricKind
METRIC_PROBABILITY: MetricKind
METRIC_TOKEN_LOSS: MetricKind
METRIC_UNSPECIFIED: MetricKind
SWEEP_AXIS_COMPONENT: SweepAxis
SWEEP_AXIS_HEAD: SweepAxis
SWEEP_AXIS_LAYER: SweepAxis
SWEEP_AXIS_POSITION: SweepAxis
SWEEP_AXIS_SOURCE: SweepAxis
SWEEP_AXIS_UNSPECIFIED: SweepAxis

class Metric(_message.Message):
    __slots__ = ["kind", "positions", "tokens", "wrong_tokens"]
    KIND_FIELD_NUMBER: _ClassVar[int]
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    WRONG_TOKENS_FIELD_NUMBER: _ClassVar[int]
    kind: MetricKind
    positions: _containers.RepeatedScalarFieldContainer[int]
    tokens: _containers.RepeatedScalarFieldContainer[int]
    wrong_tokens: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, kind: _Optional[_Union[MetricKind, str]] = ..., tokens: _Optional[_Iterable[int]] = ..., wrong_tokens: _Optional[_Iterable[int]] = ..., positions: _Optional[_Iterable[int]] = ...) -> None: ...

class MetricBaseline(_message.Message):
    __slots__ = ["columns", "metric", "value"]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    METRIC_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    columns: _containers.RepeatedScalarFieldContainer[float]
    metric: Metric
    value: float
    def __init__(self, metric: _Optional[_Union[Metric, _Mapping]] = ..., value: _Optional[float] = ..., columns: _Optional[_Iterable[float]] = ...) -> None: ...

class PathReceiver(_message.Message):
    __slots__ = ["components", "heads", "hook", "layers", "positions"]
    COMPONENTS_FIELD_NUMBER: _ClassVar[int]
    HEADS_FIELD_NUMBER: _ClassVar[int]
    HOOK_FIELD_NUMBER: _ClassVar[int]
    LAYERS_FIELD_NUMBER: _ClassVar[int]
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    components: _interventions_pb2.Indices
    heads: _interventions_pb2.Indices
    hook: bytes
    layers: _interventions_pb2.Indices
    positions: _interventions_pb2.Indices
    def __init__(self, hook: _Optional[bytes] = ..., layers: _Optional[_Union[_interventions_pb2.Indices, _Mapping]] = ..., heads: _Optional[_Union[_interventions_pb2.Indices, _Mapping]] = ..., positions: _Optional[_Union[_interventions_pb2.Indices, _Mapping]] = ..., components: _Optional[_Union[_interventions_pb2.Indices, _Mapping]] = ...) -> None: ...

class SweepEvent(_message.Message):
    __slots__ = ["header", "progress", "values"]
    HEADER_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    header: SweepReply
    progress: SweepProgress
    values: SweepValues
    def __init__(self, progress: _Optional[_Union[SweepProgress, _Mapping]] = ..., header: _Optional[_Union[SweepReply, _Mapping]] = ..., values: _Optional[_Union[SweepValues, _Mapping]] = ...) -> None: ...

class SweepPath(_message.Message):
    __slots__ = ["hold_mlps", "receivers"]
    HOLD_MLPS_FIELD_NUMBER: _ClassVar[int]
    RECEIVERS_FIELD_NUMBER: _ClassVar[int]
    hold_mlps: bool
    receivers: _containers.RepeatedCompositeFieldContainer[PathReceiver]
    def __init__(self, receivers: _Optional[_Iterable[_Union[PathReceiver, _Mapping]]] = ..., hold_mlps: bool = ...) -> None: ...

class SweepProgress(_message.Message):
    __slots__ = ["done", "total"]
    DONE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    done: int
    total: int
    def __init__(self, done: _Optional[int] = ..., total: _Optional[int] = ...) -> None: ...

class SweepReply(_message.Message):
    __slots__ = ["action", "axes", "hooks", "metrics", "model", "paired", "run_id", "tokens"]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    AXES_FIELD_NUMBER: _ClassVar[int]
    HOOKS_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PAIRED_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    action: bytes
    axes: _containers.RepeatedCompositeFieldContainer[SweptAxis]
    hooks: _containers.RepeatedScalarFieldContainer[bytes]
    metrics: _containers.RepeatedCompositeFieldContainer[MetricBaseline]
    model: _run_pb2.ModelStamp
    paired: bool
    run_id: bytes
    tokens: _containers.RepeatedCompositeFieldContainer[_common_pb2.TokenList]
    def __init__(self, run_id: _Optional[bytes] = ..., model: _Optional[_Union[_run_pb2.ModelStamp, _Mapping]] = ..., tokens: _Optional[_Iterable[_Union[_common_pb2.TokenList, _Mapping]]] = ..., action: _Optional[bytes] = ..., hooks: _Optional[_Iterable[bytes]] = ..., axes: _Optional[_Iterable[_Union[SweptAxis, _Mapping]]] = ..., paired: bool = ..., metrics: _Optional[_Iterable[_Union[MetricBaseline, _Mapping]]] = ...) -> None: ...

class SweepRequest(_message.Message):
    __slots__ = ["axes", "edits", "interventions", "metrics", "model", "paired", "path", "prompts", "session", "unrecorded"]
    AXES_FIELD_NUMBER: _ClassVar[int]
    EDITS_FIELD_NUMBER: _ClassVar[int]
    INTERVENTIONS_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PAIRED_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    PROMPTS_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    UNRECORDED_FIELD_NUMBER: _ClassVar[int]
    axes: _containers.RepeatedScalarFieldContainer[SweepAxis]
    edits: _containers.RepeatedCompositeFieldContainer[_interventions_pb2.Intervention]
    interventions: _containers.RepeatedCompositeFieldContainer[_interventions_pb2.Intervention]
    metrics: _containers.RepeatedCompositeFieldContainer[Metric]
    model: bytes
    paired: bool
    path: SweepPath
    prompts: _containers.RepeatedCompositeFieldContainer[_common_pb2.Prompt]
    session: bytes
    unrecorded: bool
    def __init__(self, model: _Optional[bytes] = ..., session: _Optional[bytes] = ..., prompts: _Optional[_Iterable[_Union[_common_pb2.Prompt, _Mapping]]] = ..., unrecorded: bool = ..., interventions: _Optional[_Iterable[_Union[_interventions_pb2.Intervention, _Mapping]]] = ..., edits: _Optional[_Iterable[_Union[_interventions_pb2.Intervention, _Mapping]]] = ..., axes: _Optional[_Iterable[_Union[SweepAxis, str]]] = ..., paired: bool = ..., metrics: _Optional[_Iterable[_Union[Metric, _Mapping]]] = ..., path: _Optional[_Union[SweepPath, _Mapping]] = ...) -> None: ...

class SweepValues(_message.Message):
    __slots__ = ["columns", "metric", "standard_errors", "values"]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    METRIC_FIELD_NUMBER: _ClassVar[int]
    STANDARD_ERRORS_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    columns: _containers.RepeatedScalarFieldContainer[float]
    metric: int
    standard_errors: _containers.RepeatedScalarFieldContainer[float]
    values: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, metric: _Optional[int] = ..., values: _Optional[_Iterable[float]] = ..., standard_errors: _Optional[_Iterable[float]] = ..., columns: _Optional[_Iterable[float]] = ...) -> None: ...

class SweptAxis(_message.Message):
    __slots__ = ["axis", "entries"]
    AXIS_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    axis: SweepAxis
    entries: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, axis: _Optional[_Union[SweepAxis, str]] = ..., entries: _Optional[_Iterable[int]] = ...) -> None: ...

class SweepAxis(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class MetricKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
