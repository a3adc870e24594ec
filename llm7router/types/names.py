"""The closed vocabularies: tasks, capabilities, units, windows, failures."""

from __future__ import annotations

from enum import StrEnum


class TaskType(StrEnum):
    """What a prompt asks for. `AUTO` lets the router tell from the messages."""

    AUTO = "auto"
    CHAT = "chat"
    REASONING = "reasoning"
    CODE = "code"
    SUMMARIZE = "summarize"
    EXTRACT = "extract"
    TRANSLATE = "translate"
    CREATIVE = "creative"


class Capability(StrEnum):
    """What a deployment can do beyond answering plain text."""

    STREAMING = "streaming"
    TOOLS = "tools"
    JSON_MODE = "json_mode"
    JSON_SCHEMA = "json_schema"
    VISION = "vision"
    REASONING = "reasoning"
    EMBEDDINGS = "embeddings"  # gives vectors, and no answers


class Operation(StrEnum):
    """What a request is for."""

    CHAT = "chat"
    EMBEDDINGS = "embeddings"


class Kind(StrEnum):
    """How a deployment is called."""

    OPENAI = "openai"  # an HTTP endpoint, through LiteLLM
    LLAMA_CPP = "llama_cpp"  # a GGUF file, in this process
    CALLABLE = "callable"  # a Python callable given by the user


class Unit(StrEnum):
    """What a limit counts."""

    REQUESTS = "requests"
    TOKENS = "tokens"
    INPUT_TOKENS = "input_tokens"
    CONCURRENT = "concurrent"
    NEURONS = "neurons"
    USD = "usd"


class Counts(StrEnum):
    """What of a call counts against a token limit."""

    ACTUAL = "actual"  # prompt and answer, once they are known
    RESERVED = "reserved"  # prompt and `max_tokens`, also when the answer was shorter
    INPUT_ONLY = "input_only"  # the prompt


class Period(StrEnum):
    """The length of a limit's window."""

    SECOND = "second"
    TEN_SECONDS = "10 seconds"
    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


class Failure(StrEnum):
    """Why an attempt failed. What follows from each is one table: `llm7router.decision.failures.POLICIES`."""

    UNREACHABLE = "unreachable"  # refused, DNS, TLS, connect timeout: the request was never sent
    SERVER_ERROR = "server error"  # 500
    OVERLOADED = "overloaded"  # 502, 503, 504, 529
    TIMEOUT = "timeout"  # no first token, a stall, or the attempt's time was up
    BAD_ANSWER = "bad answer"  # cut off, not JSON, no choices, no content, an error inside a 200
    RATE_LIMITED = "rate limited"  # 429 that a short wait cures
    QUOTA_GONE = "quota used up"  # 429 of a day or longer
    NO_QUOTA = "no quota on this tier"  # the limit is 0
    TOO_LARGE = "too large for its token limit"  # 413, or a 429 that no wait cures
    KEY_REJECTED = "key rejected"  # 401, 403
    NO_CREDIT = "no credit"  # 402
    MODEL_GONE = "model gone"  # 404
    NO_ANSWER = "only reasoning, no answer"  # the tokens were used up before the answer began
    CONTEXT_TOO_LONG = "context too long"
    UNSUPPORTED = "parameter not supported"
    REQUEST_REJECTED = "request rejected"  # any other 400 or 422
    POLICY = "content policy"
    BUSY = "busy"  # the local model's queue is full
    LOCAL_BROKEN = "local model unusable"  # no engine, no file, a wrong file
    REFUSED = "over a limit"  # our own ledger refused the reservation: nothing was sent
    CANCELLED = "cancelled"  # the caller left
