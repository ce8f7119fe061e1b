from lensd._proto import models_pb2 as _models_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DaemonStatusReply(_message.Message):
    __slots__ = ["blas", "cache_bytes", "cache_capacity_bytes", "connections", "lensd_version", "model_states", "models", "process_id", "protocol_version", "queued_jobs", "resident_bytes", "running_jobs", "sqlite", "threads", "uptime_seconds", "weight_budget_bytes", "weight_bytes"]
    BLAS_FIELD_NUMBER: _ClassVar[int]
    CACHE_BYTES_FIELD_NUMBER: _ClassVar[int]
    CACHE_CAPACITY_BYTES_FIELD_NUMBER: _ClassVar[int]
    CONNECTIONS_FIELD_NUMBER: _ClassVar[int]
    LENSD_VERSION_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    MODEL_STATES_FIELD_NUMBER: _ClassVar[int]
    PROCESS_ID_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_VERSION_FIELD_NUMBER: _ClassVar[int]
    QUEUED_JOBS_FIELD_NUMBER: _ClassVar[int]
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
    process_id: int
    protocol_version: int
    queued_jobs: int
    resident_bytes: int
    running_jobs: int
    sqlite: bytes
    threads: int
    uptime_seconds: float
    weight_budget_bytes: int
    weight_bytes: int
    def __init__(self, lensd_version: _Optional[bytes] = ..., protocol_version: _Optional[int] = ..., blas: _Optional[bytes] = ..., sqlite: _Optional[bytes] = ..., uptime_seconds: _Optional[float] = ..., process_id: _Optional[int] = ..., resident_bytes: _Optional[int] = ..., models: _Optional[_Iterable[_Union[_models_pb2.ModelDescription, _Mapping]]] = ..., queued_jobs: _Optional[int] = ..., running_jobs: _Optional[int] = ..., cache_bytes: _Optional[int] = ..., cache_capacity_bytes: _Optional[int] = ..., threads: _Optional[int] = ..., connections: _Optional[int] = ..., model_states: _Optional[_Iterable[_Union[_models_pb2.ModelState, _Mapping]]] = ..., weight_bytes: _Optional[int] = ..., weight_budget_bytes: _Optional[int] = ...) -> None: ...

class DaemonStatusRequest(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...
