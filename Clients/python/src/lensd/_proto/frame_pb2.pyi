from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CancelCall(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class ClientFrame(_message.Message):
    __slots__ = ["call_id", "cancel", "credit", "end_stream", "hello", "message", "ping", "start"]
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    CANCEL_FIELD_NUMBER: _ClassVar[int]
    CREDIT_FIELD_NUMBER: _ClassVar[int]
    END_STREAM_FIELD_NUMBER: _ClassVar[int]
    HELLO_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    PING_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    call_id: int
    cancel: CancelCall
    credit: Credit
    end_stream: EndStream
    hello: ClientHello
    message: bytes
    ping: Ping
    start: StartCall
    def __init__(self, call_id: _Optional[int] = ..., hello: _Optional[_Union[ClientHello, _Mapping]] = ..., start: _Optional[_Union[StartCall, _Mapping]] = ..., message: _Optional[bytes] = ..., end_stream: _Optional[_Union[EndStream, _Mapping]] = ..., cancel: _Optional[_Union[CancelCall, _Mapping]] = ..., credit: _Optional[_Union[Credit, _Mapping]] = ..., ping: _Optional[_Union[Ping, _Mapping]] = ...) -> None: ...

class ClientHello(_message.Message):
    __slots__ = ["client", "protocol_versions"]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_VERSIONS_FIELD_NUMBER: _ClassVar[int]
    client: bytes
    protocol_versions: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, protocol_versions: _Optional[_Iterable[int]] = ..., client: _Optional[bytes] = ...) -> None: ...

class Credit(_message.Message):
    __slots__ = ["bytes"]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    bytes: int
    def __init__(self, bytes: _Optional[int] = ...) -> None: ...

class EndStream(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class Heartbeat(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class Ping(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class Pong(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class ServerFrame(_message.Message):
    __slots__ = ["call_id", "credit", "heartbeat", "hello", "message", "pong", "status"]
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    CREDIT_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    HELLO_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    PONG_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    call_id: int
    credit: Credit
    heartbeat: Heartbeat
    hello: ServerHello
    message: bytes
    pong: Pong
    status: Status
    def __init__(self, call_id: _Optional[int] = ..., hello: _Optional[_Union[ServerHello, _Mapping]] = ..., message: _Optional[bytes] = ..., status: _Optional[_Union[Status, _Mapping]] = ..., heartbeat: _Optional[_Union[Heartbeat, _Mapping]] = ..., credit: _Optional[_Union[Credit, _Mapping]] = ..., pong: _Optional[_Union[Pong, _Mapping]] = ...) -> None: ...

class ServerHello(_message.Message):
    __slots__ = ["max_reply_bytes", "max_request_bytes", "protocol_version", "server"]
    MAX_REPLY_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_REQUEST_BYTES_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_VERSION_FIELD_NUMBER: _ClassVar[int]
    SERVER_FIELD_NUMBER: _ClassVar[int]
    max_reply_bytes: int
    max_request_bytes: int
    protocol_version: int
    server: bytes
    def __init__(self, protocol_version: _Optional[int] = ..., server: _Optional[bytes] = ..., max_request_bytes: _Optional[int] = ..., max_reply_bytes: _Optional[int] = ...) -> None: ...

class StartCall(_message.Message):
    __slots__ = ["deadline_ms", "method", "request", "request_id", "window"]
    DEADLINE_MS_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    deadline_ms: int
    method: bytes
    request: bytes
    request_id: bytes
    window: int
    def __init__(self, method: _Optional[bytes] = ..., request: _Optional[bytes] = ..., deadline_ms: _Optional[int] = ..., window: _Optional[int] = ..., request_id: _Optional[bytes] = ...) -> None: ...

class Status(_message.Message):
    __slots__ = ["code", "message", "retry_after_ms"]
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    code: int
    message: bytes
    retry_after_ms: int
    def __init__(self, code: _Optional[int] = ..., message: _Optional[bytes] = ..., retry_after_ms: _Optional[int] = ...) -> None: ...
