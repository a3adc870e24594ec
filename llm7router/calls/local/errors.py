"""What can go wrong with a model that runs in this process.

    LocalError
    ├── LocalModelError     the model cannot be used at all: no engine, no file, a wrong file, too little memory
    ├── LocalBusyError      its queue is full
    ├── LocalContextError   the prompt is longer than its context
    ├── LocalRequestError   it cannot serve this request: images, an empty conversation, a faulty schema
    └── LocalFailedError    it was running and broke, or was closed meanwhile

`find` gets them back out of whatever LiteLLM made of them.
"""

from __future__ import annotations


class LocalError(Exception):
    """Base. `message` says what is wrong, `advice` what to do about it; neither holds text of the prompt."""

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(f"{message}; {advice}" if advice else message)
        self.message = message
        self.advice = advice

    def __reduce__(self) -> tuple[type[LocalError], tuple[str, str]]:
        return type(self), (self.message, self.advice)


class LocalModelError(LocalError):
    """The model cannot be used until somebody does what `advice` says."""


class LocalBusyError(LocalError):
    """The queue of the model is full; another provider, or a moment's wait, helps."""


class LocalContextError(LocalError):
    """The prompt does not fit the model's context."""


class LocalRequestError(LocalError):
    """The model cannot serve this request, whoever asks."""


class LocalFailedError(LocalError):
    """A generation broke off."""


def find(error: BaseException | None) -> LocalError | None:
    """The local error behind `error`, or None.

    LiteLLM passes some exceptions on as they are and wraps others, as `MidStreamFallbackError.original_exception`
    or as a cause; all of these are searched.
    """
    todo, seen = [error], set[int]()
    while todo:
        current = todo.pop()
        if isinstance(current, LocalError):
            return current
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        todo += [getattr(current, "original_exception", None), current.__cause__, current.__context__]
    return None
