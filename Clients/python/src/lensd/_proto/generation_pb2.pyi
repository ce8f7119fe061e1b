from lensd._proto import common_pb2 as _common_pb2
from lensd._proto import hooks_pb2 as _hooks_pb2
from lensd._proto import interventions_pb2 as _interventions_pb2
from lensd._proto import run_pb2 as _run_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GenerateEvent(_message.Message):
    __slots__ = ["end", "result", "tokens"]
    END_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    end: GenerationEnd
    result: Generation
    tokens: GeneratedBatch
    def __init__(self, tokens: _Optional[_Union[GeneratedBatch, _Mapping]] = ..., result: _Optional[_Union[Generation, _Mapping]] = ..., end: _Optional[_Union[GenerationEnd, _Mapping]] = ...) -> None: ...

class GenerateRequest(_message.Message):
    __slots__ = ["interventions", "model", "options", "prompts", "session", "unrecorded"]
    INTERVENTIONS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    PROMPTS_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    UNRECORDED_FIELD_NUMBER: _ClassVar[int]
    interventions: _containers.RepeatedCompositeFieldContainer[_interventions_pb2.Intervention]
    model: bytes
    options: GenerationOptions
    prompts: _containers.RepeatedCompositeFieldContainer[_common_pb2.Prompt]
    session: bytes
    unrecorded: bool
    def __init__(self, model: _Optional[bytes] = ..., session: _Optional[bytes] = ..., prompts: _Optional[_Iterable[_Union[_common_pb2.Prompt, _Mapping]]] = ..., interventions: _Optional[_Iterable[_Union[_interventions_pb2.Intervention, _Mapping]]] = ..., options: _Optional[_Union[GenerationOptions, _Mapping]] = ..., unrecorded: bool = ...) -> None: ...

class GeneratedBatch(_message.Message):
    __slots__ = ["prompts"]
    PROMPTS_FIELD_NUMBER: _ClassVar[int]
    prompts: _containers.RepeatedCompositeFieldContainer[GeneratedTokens]
    def __init__(self, prompts: _Optional[_Iterable[_Union[GeneratedTokens, _Mapping]]] = ...) -> None: ...

class GeneratedTokens(_message.Message):
    __slots__ = ["logprobs", "prompt_index", "text", "tokens"]
    LOGPROBS_FIELD_NUMBER: _ClassVar[int]
    PROMPT_INDEX_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    logprobs: _containers.RepeatedScalarFieldContainer[float]
    prompt_index: int
    text: bytes
    tokens: _containers.RepeatedCompositeFieldContainer[_common_pb2.Token]
    def __init__(self, prompt_index: _Optional[int] = ..., tokens: _Optional[_Iterable[_Union[_common_pb2.Token, _Mapping]]] = ..., logprobs: _Optional[_Iterable[float]] = ..., text: _Optional[bytes] = ...) -> None: ...

class Generation(_message.Message):
    __slots__ = ["finish_reason", "logprobs", "prompt_index", "prompt_length", "text", "tokens"]
    FINISH_REASON_FIELD_NUMBER: _ClassVar[int]
    LOGPROBS_FIELD_NUMBER: _ClassVar[int]
    PROMPT_INDEX_FIELD_NUMBER: _ClassVar[int]
    PROMPT_LENGTH_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    finish_reason: bytes
    logprobs: _containers.RepeatedScalarFieldContainer[float]
    prompt_index: int
    prompt_length: int
    text: bytes
    tokens: _containers.RepeatedCompositeFieldContainer[_common_pb2.Token]
    def __init__(self, prompt_index: _Optional[int] = ..., tokens: _Optional[_Iterable[_Union[_common_pb2.Token, _Mapping]]] = ..., prompt_length: _Optional[int] = ..., logprobs: _Optional[_Iterable[float]] = ..., text: _Optional[bytes] = ..., finish_reason: _Optional[bytes] = ...) -> None: ...

class GenerationEnd(_message.Message):
    __slots__ = ["model", "options", "run_id"]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    model: _run_pb2.ModelStamp
    options: GenerationOptions
    run_id: bytes
    def __init__(self, run_id: _Optional[bytes] = ..., model: _Optional[_Union[_run_pb2.ModelStamp, _Mapping]] = ..., options: _Optional[_Union[GenerationOptions, _Mapping]] = ...) -> None: ...

class GenerationOptions(_message.Message):
    __slots__ = ["eos_token_ids", "freq_penalty", "ignore_eos", "max_new_tokens", "seed", "stop_strings", "temperature", "top_k", "top_p"]
    EOS_TOKEN_IDS_FIELD_NUMBER: _ClassVar[int]
    FREQ_PENALTY_FIELD_NUMBER: _ClassVar[int]
    IGNORE_EOS_FIELD_NUMBER: _ClassVar[int]
    MAX_NEW_TOKENS_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    STOP_STRINGS_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    TOP_K_FIELD_NUMBER: _ClassVar[int]
    TOP_P_FIELD_NUMBER: _ClassVar[int]
    eos_token_ids: _containers.RepeatedScalarFieldContainer[int]
    freq_penalty: float
    ignore_eos: bool
    max_new_tokens: int
    seed: int
    stop_strings: _containers.RepeatedScalarFieldContainer[bytes]
    temperature: float
    top_k: int
    top_p: float
    def __init__(self, max_new_tokens: _Optional[int] = ..., temperature: _Optional[float] = ..., top_k: _Optional[int] = ..., top_p: _Optional[float] = ..., freq_penalty: _Optional[float] = ..., seed: _Optional[int] = ..., ignore_eos: bool = ..., eos_token_ids: _Optional[_Iterable[int]] = ..., stop_strings: _Optional[_Iterable[bytes]] = ...) -> None: ...

class HookedGenerateEvent(_message.Message):
    __slots__ = ["generation", "hook"]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    HOOK_FIELD_NUMBER: _ClassVar[int]
    generation: GenerateEvent
    hook: _hooks_pb2.HookEvent
    def __init__(self, hook: _Optional[_Union[_hooks_pb2.HookEvent, _Mapping]] = ..., generation: _Optional[_Union[GenerateEvent, _Mapping]] = ...) -> None: ...

class HookedGenerateMessage(_message.Message):
    __slots__ = ["answer", "start"]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    answer: _hooks_pb2.HookAnswer
    start: HookedGenerateRequest
    def __init__(self, start: _Optional[_Union[HookedGenerateRequest, _Mapping]] = ..., answer: _Optional[_Union[_hooks_pb2.HookAnswer, _Mapping]] = ...) -> None: ...

class HookedGenerateRequest(_message.Message):
    __slots__ = ["generation", "hooks"]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    HOOKS_FIELD_NUMBER: _ClassVar[int]
    generation: GenerateRequest
    hooks: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, generation: _Optional[_Union[GenerateRequest, _Mapping]] = ..., hooks: _Optional[_Iterable[bytes]] = ...) -> None: ...
