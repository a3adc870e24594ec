"""What is asked: by the caller, and as the decision sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llm7router.types.names import Capability, Operation, TaskType

Message = Mapping[str, Any]
"""One chat message in OpenAI's shape: `role`, `content`, and what else that API allows."""


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
        caller: who asks, for accounting; a name of `server.keys` brings the limits and the budget of that key.
        wait_s: seconds to wait for a limit to free up when nothing else can serve; None: `timeouts.wait_s`.
        interchangeable: the embeddings models among `providers` give vectors that can be compared, though their names
            differ: the same model under several names.
        cache: True: an answer to the same request, if one is stored, will do, and this one's is stored, with tools and
            at any temperature; False: neither; None: as the deployments of router.yaml allow. Not for embeddings.
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
    wait_s: float | None = None
    interchangeable: bool = False
    cache: bool | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """What the decision needs to know of a request: no messages, only what follows from them."""

    id: str
    task: TaskType
    prompt_tokens: int  # an estimate
    prompt_tokens_most: int = 0  # no tokenizer makes more of it: a token for each byte; twice that to write a cache
    writes_cache: bool = False  # it asks for its prompt to be kept, which may be billed at twice the price
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
    difficulty: float = 0.5  # 0..1, how hard the prompt is; 0.5 is medium, or not known
    difficulty_evidence: str = ""
    deadline_s: float = 120.0
    caller: str | None = None
    wait_s: float | None = None  # None: as configured
    operation: Operation = Operation.CHAT
    longest_tokens: int = 0  # of the longest text to embed: each of them has a context window to itself
    dimensions: int | None = None  # of the vectors, as the caller asked
    cache: bool | None = None  # None: as the deployments allow
