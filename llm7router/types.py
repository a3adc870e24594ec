"""The values that flow between the parts. All are immutable; none does I/O.

Units are in the names: `_s` seconds, `_at` epoch seconds, `_usd` US dollars, `_mtok` per million tokens.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from llm7router.calls.base import ChunkStream
    from llm7router.state.cells import Cell

Message = Mapping[str, Any]
"""One chat message in OpenAI's shape: `role`, `content`, and what else that API allows."""


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
    CONTEXT_TOO_LONG = "context too long"
    UNSUPPORTED = "parameter not supported"
    REQUEST_REJECTED = "request rejected"  # any other 400 or 422
    POLICY = "content policy"
    BUSY = "busy"  # the local model's queue is full
    LOCAL_BROKEN = "local model unusable"  # no engine, no file, a wrong file
    REFUSED = "over a limit"  # our own ledger refused the reservation: nothing was sent
    CANCELLED = "cancelled"  # the caller left


class Secret:
    """A string that shows itself to nobody but `reveal()`: not in `repr`, `str`, formats, pickles or JSON."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself; only the call layer needs it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret('***')"

    def __str__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> Any:
        raise TypeError("a Secret is not serialised")


class Price(NamedTuple):
    """An amount per million tokens, for input and output: USD, or neurons."""

    input: float
    output: float

    def of(self, prompt_tokens: float, output_tokens: float) -> float:
        """The amount for so many tokens."""
        return (self.input * prompt_tokens + self.output * output_tokens) / 1e6


class Shape(NamedTuple):
    """A rolling window: its slices, and its length with a guard, in seconds."""

    slice_s: float
    slices: int
    span_s: float  # the window and the guard

    @classmethod
    def of(cls, seconds: float, slices: int, guard_s: float) -> Shape:
        """The guard covers clock skew and requests that arrive closer together than they were sent."""
        return cls(seconds / slices, slices, seconds + guard_s)


# Slices: 30 a minute and 96 a day keep 97 % of the throughput at saturation; the rest follows them.
SHAPES: Mapping[Period, Shape] = {
    Period.SECOND: Shape.of(1, 10, 0.1),
    Period.TEN_SECONDS: Shape.of(10, 20, 0.5),
    Period.MINUTE: Shape.of(60, 30, 1.0),
    Period.HOUR: Shape.of(3600, 60, 1.0),
    Period.DAY: Shape.of(86400, 96, 1.0),
    Period.MONTH: Shape.of(31 * 86400, 124, 1.0),
}
_LONG = (Period.HOUR, Period.DAY, Period.MONTH)


@dataclass(frozen=True, slots=True)
class Limit:
    """One window of one limit. `max` is an integer in the limit's unit, `usd` in micro-dollars, safety applied."""

    name: str  # "requests/day", unique inside its cell
    cell: str  # key of the state cell that counts it: a deployment's own, or a pool's
    unit: Unit
    max: int
    period: Period | None = None  # None for concurrent
    tz: str | None = None  # calendar windows only; None means a rolling window
    shared: bool = False  # counted for several deployments together
    source: str | None = None
    checked: str | None = None
    # Looked up once, since decisions read them for every limit of every deployment.
    concurrent: bool = field(init=False)
    scarce: bool = field(init=False)  # of an hour or longer: its scarcity is priced
    shape: Shape = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "concurrent", self.unit is Unit.CONCURRENT)
        object.__setattr__(self, "scarce", self.period in _LONG)
        object.__setattr__(self, "shape", SHAPES[self.period or Period.MINUTE])


DISABLED = "disabled"  # the reason of what the configuration switches off on purpose


class Off(NamedTuple):
    """Why a deployment cannot be used whatever the request is, and what to do about it."""

    reason: str  # "no key", "disabled", "variable not set"
    advice: str


@dataclass(frozen=True, slots=True)
class Deployment:
    """One model at one provider, resolved from the configuration. Id: `provider/model`."""

    id: str
    provider: str
    model: str
    kind: Kind = Kind.OPENAI
    title: str = ""
    order: int = 0  # position in the configuration: breaks ties
    litellm_model: str = ""  # "hosted_vllm/<model>"
    base_url: str | None = None
    api_key: Secret | None = field(default=None, repr=False)
    send_authorization: bool = True
    path: str | None = None  # llama_cpp only
    target: Callable[..., Any] | None = field(default=None, repr=False)  # callable only
    cell: str = ""  # key of its own state
    provider_cell: str = ""  # key of the state of its whole provider
    pool_cell: str | None = None  # key of the state of its pool, if it shares one
    limits: tuple[Limit, ...] = ()
    context_window: int = 8192  # tokens, prompt and output together
    max_output: int | None = None  # tokens
    capabilities: frozenset[Capability] = frozenset()
    cost: Price | None = None  # what the user pays; None is unknown, which is not free
    list_cost: Price | None = None  # feeds `usd` limits
    neurons: Price | None = None  # feeds `neurons` limits
    quality: Mapping[TaskType, float] = field(default_factory=dict)  # 1..5
    first_token_s: float | None = None  # prior until measured
    tokens_per_s: float | None = None
    environments: Mapping[str, float] | None = None  # 0..1 by environment name; None: no preference
    trains_on_prompts: bool = True
    unsupported_params: frozenset[str] = frozenset()
    off: Off | None = None
    signup_url: str | None = None

    @property
    def local(self) -> bool:
        """Runs inside this process: nothing leaves the machine."""
        return self.kind is not Kind.OPENAI

    @property
    def free(self) -> bool:
        """Known to cost the user nothing."""
        return self.cost is not None and self.cost.input == 0 and self.cost.output == 0


@dataclass(frozen=True, slots=True)
class RequestContext:
    """What the caller says about a request. Everything is optional.

    Args:
        task_type: what the prompt asks for; `AUTO` lets the router tell.
        estimated_tokens: a hint in tokens, prompt and answer, for ranking; it never lowers a reservation.
        requires: capabilities needed beyond what messages and parameters already imply.
        requires_speed: rank by speed in place of task match.
        environment: overrides the configuration's.
        providers: if not empty, only these provider or deployment ids.
        exclude: never these provider or deployment ids.
        allow_training: False keeps away from providers that may train on prompts.
        max_usd: most that this request may cost, in USD; never more than the budget allows.
        deadline_s: seconds for everything, failover included; never more than `timeouts.total_s`.
        request_id: names the request in logs and breaks near-ties; made up if empty.
        caller: who asks, for accounting.
    """

    task_type: TaskType | str = TaskType.AUTO
    estimated_tokens: int | None = None
    requires: frozenset[Capability | str] | Sequence[Capability | str] = frozenset()
    requires_speed: bool = False
    environment: str | None = None
    providers: Sequence[str] = ()
    exclude: Sequence[str] = ()
    allow_training: bool = True
    max_usd: float | None = None
    deadline_s: float | None = None
    request_id: str | None = None
    caller: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """What the decision needs to know of a request: no messages, only what follows from them."""

    id: str
    task: TaskType
    prompt_tokens: int  # an estimate, on the high side
    max_tokens: int | None = None  # as the caller asked, None if not said
    choices: int = 1  # `n`
    requires: frozenset[Capability] = frozenset()
    requires_speed: bool = False
    environment: str = "production"
    providers: frozenset[str] = frozenset()
    exclude: frozenset[str] = frozenset()
    allow_training: bool = True
    max_usd: float = 0.0  # most that it may cost
    expected_output: int = 300  # tokens, for ranking only
    task_evidence: str = ""  # why `auto` chose the task
    deadline_s: float = 120.0
    caller: str | None = None


class Candidate(NamedTuple):
    """A deployment and its state at the snapshot's instant: what filters and factors look at."""

    deployment: Deployment
    cells: Mapping[str, Cell]
    now: float
    output_tokens: int  # what `max_tokens` would be; 0: too little fits (`decision.demand`)
    in_flight: int = 0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Every deployment's state at one instant `now`."""

    now: float
    deployments: tuple[Deployment, ...]
    cells: Mapping[str, Cell]
    in_flight: Mapping[str, int] = field(default_factory=dict)


class Reading(NamedTuple):
    """What a factor says of a candidate: a value in 0..1 (health: -1..1) and, on demand, why.

    The text is put together only when someone reads it, since most decisions are never looked at.
    """

    value: float
    template: str
    arguments: tuple[Any, ...] = ()

    @property
    def because(self) -> str:
        """The reason, in a few words."""
        return self.template.format(*self.arguments)


class Rejection(NamedTuple):
    """Why a filter vetoed a candidate."""

    filter: str  # the filter's name
    summary: str  # groups equal reasons: "over requests/day"
    free_at: float | None = None  # when it ends by itself; None: it does not
    advice: str = ""  # what would help, if the person can do something

    @property
    def ever(self) -> bool:
        """It can end by waiting."""
        return self.free_at is not None and self.free_at < math.inf


class Scored(NamedTuple):
    """A candidate that passed the filters, with its points."""

    deployment: Deployment
    points: float
    readings: tuple[tuple[str, float, Reading], ...]  # factor, weight, reading
    in_flight: int = 0

    def breakdown(self) -> dict[str, float]:
        """Points by factor."""
        return {name: weight * reading.value for name, weight, reading in self.readings}


class Rejected(NamedTuple):
    """A deployment that cannot serve the request, and why."""

    deployment: Deployment
    rejection: Rejection


@dataclass(frozen=True, slots=True)
class Decision:
    """Who can serve a request, best first, and who cannot and why."""

    request: Request
    ranking: tuple[Scored, ...]
    rejected: tuple[Rejected, ...]
    now: float
    panic: bool = False  # every breaker was open, so breakers were ignored

    @property
    def best(self) -> Scored | None:
        """The first choice, or None."""
        return self.ranking[0] if self.ranking else None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call to make."""

    scored: Scored
    timeout_s: float  # for the whole call
    number: int  # 1 is the first
    last: bool = False  # nothing follows, so it gets all the time that remains
    ignore_breaker: bool = False

    @property
    def deployment(self) -> Deployment:
        """What to call."""
        return self.scored.deployment


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended: a value, never an exception. `failure` None means success."""

    failure: Failure | None = None
    detail: str = ""  # for people; trimmed, no keys, no prompts
    status: int | None = None
    retry_after_s: float | None = None  # what the provider asked to wait
    upstream_only: bool = False  # a 429 of the host behind the provider: this model only, not its pool
    response: Any = None  # LiteLLM's ModelResponse
    stream: ChunkStream | None = None  # the first content has arrived
    prompt_tokens: int | None = None  # None: the provider did not say
    output_tokens: int | None = None
    first_token_s: float | None = None
    duration_s: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """It is an answer."""
        return self.failure is None


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """One line of what was tried, for people and logs."""

    deployment: str
    ok: bool
    failure: Failure | None
    detail: str
    status: int | None
    duration_s: float
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class CompletionResult:
    """An answer and how it came about.

    `cost` is in USD by the prices of router.yaml, `latency` in seconds from the call to `complete` to its end.
    """

    content: str
    provider: str
    model: str
    cost: float
    latency: float
    tokens_input: int
    tokens_output: int
    finish_reason: str | None
    tool_calls: tuple[Mapping[str, Any], ...]
    reasoning: str | None
    decision: Decision
    attempts: tuple[AttemptRecord, ...]
    request_id: str
    first_token_s: float | None = None
    estimated_usage: bool = False  # the provider gave no token counts
    response: Any = field(default=None, repr=False)

    @property
    def deployment(self) -> str:
        """`provider/model`."""
        return f"{self.provider}/{self.model}"


@dataclass(frozen=True, slots=True)
class StreamChunk:
    """A piece of an answer. The last one carries `result`, the whole answer, and no text of its own."""

    content: str = ""
    reasoning: str = ""
    tool_calls: tuple[Mapping[str, Any], ...] = ()
    finish_reason: str | None = None
    provider: str = ""
    model: str = ""
    result: CompletionResult | None = None
    raw: Any = field(default=None, repr=False)
