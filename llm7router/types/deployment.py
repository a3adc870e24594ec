"""Deployments, their prices and their limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from llm7router.types.names import Capability, Counts, Kind, Period, TaskType, Unit


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

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: Any) -> Secret:
        return self  # results and errors hold deployments and may be copied; only serialising is refused

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
    Period.SECOND: Shape.of(1, 10, 0.5),
    Period.TEN_SECONDS: Shape.of(10, 20, 1.0),
    Period.MINUTE: Shape.of(60, 30, 1.0),
    Period.HOUR: Shape.of(3600, 60, 1.0),
    Period.DAY: Shape.of(86400, 96, 1.0),
    Period.MONTH: Shape.of(31 * 86400, 124, 1.0),
}
NO_MAX = 10**15  # of a limit that only counts, for the day when it gets a maximum
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
    header: str | None = None  # names the answer's header with what is left
    counts: Counts = Counts.ACTUAL
    source: str | None = None
    checked: str | None = None
    # Looked up once, since decisions read them for every limit of every deployment.
    counts_only: bool = field(init=False)  # it has no maximum, and is not shown
    concurrent: bool = field(init=False)
    scarce: bool = field(init=False)  # of an hour or longer: its scarcity is priced
    shape: Shape = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "counts_only", self.max >= NO_MAX)
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
    key_name: str | None = None  # the environment variable that holds the key
    send_authorization: bool = True
    account_url: str | None = None  # tells the account's own limits, at the same host
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
    resumes: bool = False  # goes on with a text that another model began
    cache: bool = False  # its answers may be stored and given again to the same request
    off: Off | None = None
    signup_url: str | None = None
    cells: tuple[str, ...] = field(init=False, repr=False)  # every cell that a call may touch

    def __post_init__(self) -> None:
        touched = {self.cell, self.provider_cell, *(limit.cell for limit in self.limits)}
        object.__setattr__(self, "cells", tuple(touched | ({self.pool_cell} if self.pool_cell else set())))

    @property
    def local(self) -> bool:
        """Runs inside this process: nothing leaves the machine."""
        return self.kind is not Kind.OPENAI

    @property
    def free(self) -> bool:
        """Known to cost the user nothing."""
        return self.cost is not None and self.cost.input == 0 and self.cost.output == 0
