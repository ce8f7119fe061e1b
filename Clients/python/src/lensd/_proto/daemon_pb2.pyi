from lensd._proto import models_pb2 as _models_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ActivityReply(_message.Message):
    __slots__ = ["calls", "calls_ended", "calls_failed", "calls_in_flight", "engine"]
    CALLS_ENDED_FIELD_NUMBER: _ClassVar[int]
    CALLS_FAILED_FIELD_NUMBER: _ClassVar[int]
    CALLS_FIELD_NUMBER: _ClassVar[int]
    CALLS_IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    ENGINE_FIELD_NUMBER: _ClassVar[int]
    calls: _containers.RepeatedCompositeFieldContainer[CallInFlight]
    calls_ended: int
    calls_failed: int
    calls_in_flight: int
    engine: EngineTotals
    def __init__(self, calls: _Optional[_Iterable[_Union[CallInFlight, _Mapping]]] = ..., calls_in_flight: _Optional[int] = ..., calls_ended: _Optional[int] = ..., calls_failed: _Optional[int] = ..., engine: _Optional[_Union[EngineTotals, _Mapping]] = ...) -> None: ...

class ActivityRequest(_message.Message):
    __slots__ = ["all"]
    ALL_FIELD_NUMBER: _ClassVar[int]
    all: bool
    def __init__(self, all: bool = ...) -> None: ...

class CallInFlight(_message.Message):
    __slots__ = ["method", "queued", "request", "seconds", "user_id"]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    QUEUED_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    method: bytes
    queued: bool
    request: bytes
    seconds: float
    user_id: int
    def __init__(self, user_id: _Optional[int] = ..., method: _Optional[bytes] = ..., seconds: _Optional[float] = ..., queued: bool = ..., request: _Optional[bytes] = ...) -> None: ...

class DaemonStatusReply(_message.Message):
    __slots__ = ["blas", "cache_bytes", "cache_capacity_bytes", "connections", "lensd_version", "model_states", "models", "own", "process_id", "protocol_version", "queued_jobs", "quota", "resident_bytes", "running_jobs", "sqlite", "threads", "uptime_seconds", "weight_budget_bytes", "weight_bytes"]
    BLAS_FIELD_NUMBER: _ClassVar[int]
    CACHE_BYTES_FIELD_NUMBER: _ClassVar[int]
    CACHE_CAPACITY_BYTES_FIELD_NUMBER: _ClassVar[int]
    CONNECTIONS_FIELD_NUMBER: _ClassVar[int]
    LENSD_VERSION_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    MODEL_STATES_FIELD_NUMBER: _ClassVar[int]
    OWN_FIELD_NUMBER: _ClassVar[int]
    PROCESS_ID_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_VERSION_FIELD_NUMBER: _ClassVar[int]
    QUEUED_JOBS_FIELD_NUMBER: _ClassVar[int]
    QUOTA_FIELD_NUMBER: _ClassVar[int]
    RESIDENT_BYTES_FIELD_NUMBER: _ClassVar[int]
    RUNNING_JOBS_FIELD_NUMBER: _ClassVar[int]
    SQLITE_FIELD_NUMBER: _ClassVar[int]
    THREADS_FIELD_NUMBER: _ClassVar[int]
    UPTIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_BUDGET_BYTES_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_BYTES_FIELD_NUMBER: _ClassVar[int]
    blas: bytes
    cache_bytes: int
    cache_capacity_bytes: int
    connections: int
    lensd_version: bytes
    model_states: _containers.RepeatedCompositeFieldContainer[_models_pb2.ModelState]
    models: _containers.RepeatedCompositeFieldContainer[_models_pb2.ModelDescription]
    own: SharedAmounts
    process_id: int
    protocol_version: int
    queued_jobs: int
    quota: SharedAmounts
    resident_bytes: int
    running_jobs: int
    sqlite: bytes
    threads: int
    uptime_seconds: float
    weight_budget_bytes: int
    weight_bytes: int
    def __init__(self, lensd_version: _Optional[bytes] = ..., protocol_version: _Optional[int] = ..., blas: _Optional[bytes] = ..., sqlite: _Optional[bytes] = ..., uptime_seconds: _Optional[float] = ..., process_id: _Optional[int] = ..., resident_bytes: _Optional[int] = ..., models: _Optional[_Iterable[_Union[_models_pb2.ModelDescription, _Mapping]]] = ..., queued_jobs: _Optional[int] = ..., running_jobs: _Optional[int] = ..., cache_bytes: _Optional[int] = ..., cache_capacity_bytes: _Optional[int] = ..., threads: _Optional[int] = ..., connections: _Optional[int] = ..., model_states: _Optional[_Iterable[_Union[_models_pb2.ModelState, _Mapping]]] = ..., weight_bytes: _Optional[int] = ..., weight_budget_bytes: _Optional[int] = ..., own: _Optional[_Union[SharedAmounts, _Mapping]] = ..., quota: _Optional[_Union[SharedAmounts, _Mapping]] = ...) -> None: ...

class DaemonStatusRequest(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class EngineTotals(_message.Message):
    __slots__ = ["cache_hits", "cache_misses", "passes", "rows"]
    CACHE_HITS_FIELD_NUMBER: _ClassVar[int]
    CACHE_MISSES_FIELD_NUMBER: _ClassVar[int]
    PASSES_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    cache_hits: int
    cache_misses: int
    passes: int
    rows: int
    def __init__(self, passes: _Optional[int] = ..., rows: _Optional[int] = ..., cache_hits: _Optional[int] = ..., cache_misses: _Optional[int] = ...) -> None: ...

class SharedAmounts(_message.Message):
    __slots__ = ["cached_bytes", "calls_in_flight", "connections", "queued_jobs", "sessions", "stored_bytes"]
    CACHED_BYTES_FIELD_NUMBER: _ClassVar[int]
    CALLS_IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    CONNECTIONS_FIELD_NUMBER: _ClassVar[int]
    QUEUED_JOBS_FIELD_NUMBER: _ClassVar[int]
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    STORED_BYTES_FIELD_NUMBER: _ClassVar[int]
    cached_bytes: int
    calls_in_flight: int
    connections: int
    queued_jobs: int
    sessions: int
    stored_bytes: int
    def __init__(self, connections: _Optional[int] = ..., calls_in_flight: _Optional[int] = ..., queued_jobs: _Optional[int] = ..., sessions: _Optional[int] = ..., stored_bytes: _Optional[int] = ..., cached_bytes: _Optional[int] = ...) -> None: ...

class UsageReply(_message.Message):
    __slots__ = ["quota", "users"]
    QUOTA_FIELD_NUMBER: _ClassVar[int]
    USERS_FIELD_NUMBER: _ClassVar[int]
    quota: SharedAmounts
    users: _containers.RepeatedCompositeFieldContainer[UserUsage]
    def __init__(self, users: _Optional[_Iterable[_Union[UserUsage, _Mapping]]] = ..., quota: _Optional[_Union[SharedAmounts, _Mapping]] = ...) -> None: ...

class UsageRequest(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class UserUsage(_message.Message):
    __slots__ = ["amounts", "user_id"]
    AMOUNTS_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    amounts: SharedAmounts
    user_id: int
    def __init__(self, user_id: _Optional[int] = ..., amounts: _Optional[_Union[SharedAmounts, _Mapping]] = ...) -> None: ...
