"""How attempts end, and what the caller gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from llm7router.types.decision import Decision
from llm7router.types.names import Failure, Period, Unit

if TYPE_CHECKING:
    from llm7router.calls.base import ChunkStream


class Axis(NamedTuple):
    """Which limit a refusal names."""

    unit: Unit
    period: Period


class AccountLimit(NamedTuple):
    """What the provider says of one limit of the account behind a key."""

    axis: Axis
    used: int
    max: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended: a value, never an exception. `failure` None means success."""

    failure: Failure | None = None
    detail: str = ""  # for people; trimmed, no keys, no prompts
    status: int | None = None
    retry_after_s: float | None = None  # what the provider asked to wait
    axis: Axis | None = None  # the limit that a refusal names
    account: AccountLimit | None = None  # what the provider said of the account, if it was asked
    generated: bool = False  # content arrived, or may have been made and billed, before it failed: no refund
    upstream_only: bool = False  # a 429 of the host behind the provider: this model only, not its pool
    response: Any = None  # LiteLLM's ModelResponse; of embeddings the vectors, tuples of floats or base64
    stream: ChunkStream | None = None  # the first content has arrived
    prompt_tokens: int | None = None  # None: the provider did not say
    output_tokens: int | None = None
    cache_tokens: int = 0  # of input that are billed beside `prompt_tokens`, at most: to write a cache costs extra
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
    usd: float = 0.0  # what it cost, or may have cost, by the prices of router.yaml
    began_s: float = 0.0  # seconds from the begin of the request
    first_token_s: float | None = None  # of a stream, seconds from the begin of the attempt


@dataclass(frozen=True, slots=True)
class CompletionResult:
    """An answer and how it came about.

    `cost` is in USD by the prices of router.yaml, what failed attempts may have cost included; `latency` in seconds
    from the call to `complete` to its end.
    """

    content: str
    provider: str
    model: str
    cost: float
    latency: float
    tokens_input: int
    tokens_output: int
    # Not in `repr`: what a person wants to see at a glance is above.
    finish_reason: str | None = field(repr=False)
    tool_calls: tuple[Mapping[str, Any], ...] = field(repr=False)
    reasoning: str | None = field(repr=False)
    decision: Decision = field(repr=False)
    attempts: tuple[AttemptRecord, ...] = field(repr=False)
    request_id: str = field(repr=False)
    first_token_s: float | None = field(default=None, repr=False)
    estimated_usage: bool = field(default=False, repr=False)  # the provider gave no token counts
    response: Any = field(default=None, repr=False)
    cached: bool = field(default=False, repr=False)  # nobody was called now; the tokens are those of back then
    refusal: str | None = field(default=None, repr=False)  # in place of an answer, where providers tell the two apart

    @property
    def deployment(self) -> str:
        """`provider/model`."""
        return f"{self.provider}/{self.model}"


@dataclass(frozen=True, slots=True)
class Opening:
    """Who answers a stream and why, known from its first content on."""

    provider: str
    model: str
    decision: Decision
    attempts: tuple[AttemptRecord, ...]
    cached: bool = False  # it is a stored answer

    @property
    def deployment(self) -> str:
        """`provider/model`."""
        return f"{self.provider}/{self.model}"


@dataclass(frozen=True, slots=True)
class EmbeddingResult:
    """A vector for each text, in the order of the texts, and how they came about.

    With `encoding_format="base64"` they are in `base64`, in place of `vectors`: float32, little-endian, as OpenAI has
    it. `cost` and `latency` as in `CompletionResult`.
    """

    vectors: tuple[tuple[float, ...], ...] = field(repr=False)
    provider: str
    model: str
    cost: float
    latency: float
    tokens_input: int
    decision: Decision = field(repr=False)
    attempts: tuple[AttemptRecord, ...] = field(repr=False)
    request_id: str = field(repr=False)
    base64: tuple[str, ...] = field(default=(), repr=False)
    estimated_usage: bool = field(default=False, repr=False)  # the provider gave no token counts

    @property
    def deployment(self) -> str:
        """`provider/model`."""
        return f"{self.provider}/{self.model}"

    @property
    def tokens_output(self) -> int:
        """None are generated."""
        return 0

    @property
    def cached(self) -> bool:
        """Vectors are not stored."""
        return False


@dataclass(frozen=True, slots=True)
class StreamChunk:
    """A piece of an answer.

    The first one carries `opening`, and so does the first one of another model that goes on with the text. The last one
    carries `result`, the whole answer, and no text of its own.
    """

    content: str = ""
    reasoning: str = ""
    tool_calls: tuple[Mapping[str, Any], ...] = ()
    finish_reason: str | None = None
    provider: str = ""
    model: str = ""
    opening: Opening | None = field(default=None, repr=False)
    resumed: bool = False  # from here on, somebody else goes on with a text that broke off
    result: CompletionResult | None = None
    raw: Any = field(default=None, repr=False)
    refusal: str = ""
