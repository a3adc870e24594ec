"""A model that the caller already has: any Python callable."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from llm7router.calls.local.answers import Answer
from llm7router.calls.local.conversation import as_text
from llm7router.calls.local.engines import Emit, known
from llm7router.calls.local.errors import LocalContextError, LocalError, LocalFailedError, LocalModelError

_POLL_S = 0.05  # how soon an awaiting callable is cancelled when its caller has left
_TEXT_NAMES = {"prompt", "text"}


class CallableEngine:
    """Calls `target(messages, **parameters)` with those parameters that its signature names.

    A target whose first parameter is `prompt` or `text` gets the conversation as a string. One that names `stream`
    gets True, so that its answer arrives token by token. It returns, yields or awaits text or what OpenAI's API
    would return. A synchronous target can only be stopped between two things it yields.
    """

    def __init__(self, target: Callable[..., Any]) -> None:
        self._target = target
        self._names: frozenset[str] = frozenset()
        self._any_name = False
        self._wants_text = False
        self._runner: asyncio.Runner | None = None

    def load(self) -> None:
        """Look at the signature. Raises LocalModelError if no messages can be passed."""
        try:
            parameters = [*inspect.signature(self._target).parameters.values()]
        except (TypeError, ValueError):  # written in C: the messages and nothing else
            return
        if not parameters or parameters[0].kind in (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD):
            raise LocalModelError("the callable takes no messages", "give it a first parameter")
        keywords = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        self._names = frozenset(parameter.name for parameter in parameters[1:] if parameter.kind in keywords)
        self._any_name = parameters[-1].kind is inspect.Parameter.VAR_KEYWORD
        self._wants_text = parameters[0].name in _TEXT_NAMES

    def generate(self, messages: Sequence[Mapping[str, Any]], parameters: Mapping[str, Any], emit: Emit) -> None:
        """Emit the chunks of one answer; see `Engine`. What the callable raises becomes LocalFailedError."""
        names = self._names | parameters.keys() | {"max_tokens"} if self._any_name else self._names
        arguments = known(parameters, names) | ({"stream": True} if "stream" in self._names else {})
        answer = Answer(emit)
        try:
            result = self._target(as_text(messages) if self._wants_text else messages, **arguments)
            if inspect.isawaitable(result) or hasattr(result, "__aiter__"):
                self._run(_drive(result, answer, emit))
            else:
                _take(result, answer)
        except LocalError:
            raise
        except BaseException as error:
            if "exceed context window" in str(error):  # llama_cpp.Llama given as the callable
                raise LocalContextError(str(error)[:200]) from None
            raise LocalFailedError(f"the callable raised {type(error).__name__}: {error}"[:300]) from None
        answer.finish()

    def _run(self, work: Any) -> None:
        if self._runner is None:  # one loop for good, since clients made inside are bound to it
            self._runner = asyncio.Runner()
        try:
            self._runner.run(work)
        except (SystemExit, KeyboardInterrupt):  # these leave the loop with its tasks unfinished
            self.close()
            raise

    def close(self) -> None:
        """Close the private event loop."""
        runner, self._runner = self._runner, None
        if runner:
            runner.close()


def _take(result: Any, answer: Answer) -> None:
    """Pass on a whole answer, or each piece until nobody wants more."""
    if not _is_iterator(result):
        answer.add(result)
        return
    with contextlib.ExitStack() as stack:
        if close := getattr(result, "close", None):
            stack.callback(close)
        for piece in result:
            if answer.add(piece):
                return


async def _drive(result: Any, answer: Answer, emit: Emit) -> None:
    """Await an answer or its pieces; give up soon after nobody wants it."""
    task = asyncio.ensure_future(_consume(result, answer))
    while not (await asyncio.wait({task}, timeout=_POLL_S))[0]:
        if emit(None):
            task.cancel()
    if not task.cancelled():
        task.result()


async def _consume(result: Awaitable[Any] | Any, answer: Answer) -> None:
    if inspect.isawaitable(result):
        result = await result
    if not hasattr(result, "__aiter__"):
        _take(result, answer)
        return
    try:
        async for piece in result:
            if answer.add(piece):
                return
    finally:
        if close := getattr(result, "aclose", None):
            await close()


def _is_iterator(result: Any) -> bool:
    """Pieces to come, and not an answer: text, a mapping, or a pydantic model (which iterates over its fields)."""
    return isinstance(result, Iterable) and not isinstance(result, str | Mapping) and not hasattr(result, "model_dump")
