"""llama.cpp through llama-cpp-python: the reference engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import llama_cpp

from llm7router.calls.local import llama_cpp_quiet as quiet
from llm7router.calls.local import memory
from llm7router.calls.local.answers import usage
from llm7router.calls.local.conversation import plain
from llm7router.calls.local.engines import PARAMETERS, Emit, Engine, known, threads
from llm7router.calls.local.errors import LocalContextError, LocalFailedError, LocalModelError, LocalRequestError

_BATCH_TOKENS = 256  # between two batches of a prompt it can be stopped: 0.8 s; no slower than its default of 512
_ADVICE = f"it may be damaged or need a newer llama.cpp; if memory is short, {memory.ADVICE}"


class _Stopped(Exception):
    """Nobody wants the rest."""


class _Llama(llama_cpp.Llama):  # type: ignore[misc, unused-ignore]
    """Counts tokens exactly, which its streams do not, and can be stopped between batches and tokens."""

    prompt_tokens = 0
    output_tokens = 0
    stopped: Callable[[], bool] = staticmethod(lambda: False)

    def generate(self, tokens: Sequence[int], *args: Any, **kwargs: Any) -> Iterator[int]:  # type: ignore[override]
        """Each token of the answer, the one that ends it included, as llama.cpp's server counts them."""
        self.prompt_tokens, self.output_tokens = len(tokens), 0
        for token in super().generate(tokens, *args, **kwargs):
            self.output_tokens += 1
            yield token

    def eval(self, tokens: Sequence[int]) -> None:
        """Evaluate tokens, batch by batch. Raises _Stopped between two."""
        for start in range(0, len(tokens), _BATCH_TOKENS):
            if self.stopped():
                raise _Stopped
            super().eval(tokens[start : start + _BATCH_TOKENS])


class LlamaCppEngine:
    """One model, with the chat template of its file."""

    def __init__(self, file: Path, context: int) -> None:
        self._file = file
        self._context = context
        self._llama: Any = None

    def load(self) -> None:
        """Read the model. Raises LocalModelError."""
        memory.check(self._file)
        quiet.enter()
        try:
            self._llama = _Llama(
                str(self._file), n_ctx=self._context, n_batch=_BATCH_TOKENS, n_threads=threads(), verbose=False
            )
        except Exception as error:  # ValueError mostly; the reason is in the log only
            reason = quiet.last_error() or str(error)
            raise LocalModelError(f"{self._file}: llama.cpp cannot load this model ({reason})", _ADVICE) from None

    def generate(self, messages: Sequence[Mapping[str, Any]], parameters: Mapping[str, Any], emit: Emit) -> None:
        """Emit the chunks of one answer; see `Engine`."""
        conversation = plain(messages)
        llama, begun = self._llama, False
        llama.stopped = lambda: emit(None)
        try:
            stream = llama.create_chat_completion(conversation, stream=True, **_arguments(parameters))
            for chunk in stream:
                begun = True
                if emit(chunk):
                    return
        except _Stopped:
            return
        except Exception as error:
            raise _translated(error, begun) from None
        finally:
            del llama.stopped
        emit(usage(llama.prompt_tokens, llama.output_tokens))

    def close(self) -> None:
        """Free the model."""
        if self._llama is not None:
            self._llama.close()
            self._llama = None
        quiet.leave()


def _arguments(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """As this library wants them: a JSON schema under another name, and token numbers that are numbers."""
    arguments = known(parameters, PARAMETERS)
    if form := arguments.pop("response_format", None):
        schema = (form.get("json_schema") or {}).get("schema") or form.get("schema")
        if form.get("type") in ("json_object", "json_schema"):
            arguments["response_format"] = {"type": "json_object"} | ({"schema": schema} if schema else {})
    if bias := arguments.get("logit_bias"):
        arguments["logit_bias"] = {int(token): value for token, value in bias.items()}
    return arguments


def _translated(error: Exception, begun: bool) -> Exception:
    """What the library raised, as a LocalError: before the first chunk it is the request that is at fault."""
    text = f"{type(error).__name__}: {error}"[:300]
    if "exceed context window" in text:
        return LocalContextError(f"the prompt does not fit: {error}", "shorten it, or raise context_window")
    if begun or isinstance(error, RuntimeError):
        return LocalFailedError(f"llama.cpp failed: {text}")
    return LocalRequestError(f"llama.cpp refused the request: {text}")


def create(file: Path, context: int) -> Engine:
    """An engine that is not loaded yet."""
    return LlamaCppEngine(file, context)
