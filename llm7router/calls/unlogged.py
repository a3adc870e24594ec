"""LiteLLM's record of a call, for calls that nobody logs.

LiteLLM prices every answer and writes a log record of it, also where no callback is registered: a third of a call's
CPU, a warning for each price that it does not know, and one queue for all event loops of the process, which loses
records with a warning when two loops call at once. Costs here come from router.yaml, and records from our own events.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import litellm
from litellm.litellm_core_utils.litellm_logging import Logging
from litellm.utils import custom_llm_setup

# Where a host registers what is to hear of its calls, or to judge them.
WANTED_BY = (
    "callbacks",
    "input_callback",
    "success_callback",
    "failure_callback",
    "service_callback",
    "_async_success_callback",
    "_async_failure_callback",
    "pre_call_rules",
    "post_call_rules",
)


def record_of(arguments: Mapping[str, Any], stream: bool, function: str = "acompletion") -> Any:
    """What LiteLLM's function takes as `litellm_logging_obj`; None where the host wants LiteLLM's own."""
    if any(getattr(litellm, name, None) for name in WANTED_BY):
        return None
    custom_llm_setup()  # type: ignore[no-untyped-call]  # LiteLLM does this where it makes a record of its own: custom handlers become known
    record = Unlogged(
        model=arguments["model"],
        messages=arguments["messages"] if "messages" in arguments else arguments["input"],
        stream=stream,
        call_type=function,
        start_time=datetime.datetime.now(),
        litellm_call_id=str(uuid4()),
        function_id="",
        supports_correlation_logging=False,
    )
    record.update_environment_variables(
        model=arguments["model"],
        user="",
        optional_params={},
        litellm_params={"api_base": ""},
        stream_options=arguments.get("stream_options"),  # without it, the usage of local models is lost
    )
    return record


class Unlogged(Logging):
    """Keeps what a call needs of its record, and neither prices nor logs it."""

    def response_cost_calculator(self, *args: Any, **kwargs: Any) -> None:
        """No price."""

    _response_cost_calculator = response_cost_calculator

    def claim_async_success_log(self) -> bool:
        """Nothing is queued for whole answers."""
        return False

    def handle_sync_success_callbacks_for_async_calls(self, *args: Any, **kwargs: Any) -> None:
        """There are none."""

    def _on_deferred_stream_complete(self, *args: Any) -> None:
        """Its presence keeps streams from logging at their end."""

    async def dispatch_success_handlers(self, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""

    async def dispatch_failure_handlers(self, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""

    def failure_handler(self, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""

    async def async_failure_handler(self, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""
