from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AccountChoice(_message.Message):
    __slots__ = ["every", "name"]
    EVERY_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    every: bool
    name: bytes
    def __init__(self, name: _Optional[bytes] = ..., every: bool = ...) -> None: ...

class BackupEvent(_message.Message):
    __slots__ = ["content", "total_bytes"]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    TOTAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    content: bytes
    total_bytes: int
    def __init__(self, total_bytes: _Optional[int] = ..., content: _Optional[bytes] = ...) -> None: ...

class BackupRequest(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class CheckStoreReply(_message.Message):
    __slots__ = ["bytes", "complaints", "run_count"]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    COMPLAINTS_FIELD_NUMBER: _ClassVar[int]
    RUN_COUNT_FIELD_NUMBER: _ClassVar[int]
    bytes: int
    complaints: _containers.RepeatedScalarFieldContainer[bytes]
    run_count: int
    def __init__(self, complaints: _Optional[_Iterable[bytes]] = ..., run_count: _Optional[int] = ..., bytes: _Optional[int] = ...) -> None: ...

class CheckStoreRequest(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class PurgeReply(_message.Message):
    __slots__ = ["run_count", "session_count"]
    RUN_COUNT_FIELD_NUMBER: _ClassVar[int]
    SESSION_COUNT_FIELD_NUMBER: _ClassVar[int]
    run_count: int
    session_count: int
    def __init__(self, session_count: _Optional[int] = ..., run_count: _Optional[int] = ...) -> None: ...

class PurgeRequest(_message.Message):
    __slots__ = ["account", "uid"]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    UID_FIELD_NUMBER: _ClassVar[int]
    account: AccountChoice
    uid: int
    def __init__(self, uid: _Optional[int] = ..., account: _Optional[_Union[AccountChoice, _Mapping]] = ...) -> None: ...

class ReassignRequest(_message.Message):
    __slots__ = ["account", "new_uid", "uid"]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    NEW_UID_FIELD_NUMBER: _ClassVar[int]
    UID_FIELD_NUMBER: _ClassVar[int]
    account: AccountChoice
    new_uid: int
    uid: int
    def __init__(self, uid: _Optional[int] = ..., account: _Optional[_Union[AccountChoice, _Mapping]] = ..., new_uid: _Optional[int] = ...) -> None: ...

class StoreUsageReply(_message.Message):
    __slots__ = ["account_count", "accounts", "file_bytes", "free_bytes", "retention_bytes", "retention_days", "session_quota", "stored_quota_bytes"]
    ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_COUNT_FIELD_NUMBER: _ClassVar[int]
    FILE_BYTES_FIELD_NUMBER: _ClassVar[int]
    FREE_BYTES_FIELD_NUMBER: _ClassVar[int]
    RETENTION_BYTES_FIELD_NUMBER: _ClassVar[int]
    RETENTION_DAYS_FIELD_NUMBER: _ClassVar[int]
    SESSION_QUOTA_FIELD_NUMBER: _ClassVar[int]
    STORED_QUOTA_BYTES_FIELD_NUMBER: _ClassVar[int]
    account_count: int
    accounts: _containers.RepeatedCompositeFieldContainer[StoredAccount]
    file_bytes: int
    free_bytes: int
    retention_bytes: int
    retention_days: int
    session_quota: int
    stored_quota_bytes: int
    def __init__(self, accounts: _Optional[_Iterable[_Union[StoredAccount, _Mapping]]] = ..., account_count: _Optional[int] = ..., session_quota: _Optional[int] = ..., stored_quota_bytes: _Optional[int] = ..., retention_days: _Optional[int] = ..., retention_bytes: _Optional[int] = ..., file_bytes: _Optional[int] = ..., free_bytes: _Optional[int] = ...) -> None: ...

class StoreUsageRequest(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class StoredAccount(_message.Message):
    __slots__ = ["first_seen_at", "last_used_at", "name", "present", "run_count", "session_count", "stored_bytes", "uid"]
    FIRST_SEEN_AT_FIELD_NUMBER: _ClassVar[int]
    LAST_USED_AT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PRESENT_FIELD_NUMBER: _ClassVar[int]
    RUN_COUNT_FIELD_NUMBER: _ClassVar[int]
    SESSION_COUNT_FIELD_NUMBER: _ClassVar[int]
    STORED_BYTES_FIELD_NUMBER: _ClassVar[int]
    UID_FIELD_NUMBER: _ClassVar[int]
    first_seen_at: float
    last_used_at: float
    name: bytes
    present: bool
    run_count: int
    session_count: int
    stored_bytes: int
    uid: int
    def __init__(self, uid: _Optional[int] = ..., name: _Optional[bytes] = ..., present: bool = ..., session_count: _Optional[int] = ..., run_count: _Optional[int] = ..., stored_bytes: _Optional[int] = ..., first_seen_at: _Optional[float] = ..., last_used_at: _Optional[float] = ...) -> None: ...
