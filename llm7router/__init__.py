"""llm7router: dependable LLM answers from free tiers.

    from llm7router import LLMRouter

    result = LLMRouter().complete_sync([{"role": "user", "content": "Hello!"}])
    print(result.content, result.provider)

Names are imported when they are first used, so that `import llm7router` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_NAMES = {
    "AllProvidersExhaustedError": "errors",
    "ArgumentError": "errors",
    "Capability": "types",
    "CompletionResult": "types",
    "ConfigError": "errors",
    "Decision": "types",
    "EmbeddingResult": "types",
    "GroqProvider": "presets",
    "LLM7Claude": "presets",
    "LLM7GPT4": "presets",
    "LLM7GPT4Mini": "presets",
    "LLM7Provider": "presets",
    "LLMRouter": "router",
    "Llm7RouterError": "errors",
    "LocalProvider": "presets",
    "ModelNotFoundError": "errors",
    "NoProviderAvailableError": "errors",
    "OpenRouterProvider": "presets",
    "ProviderConfig": "config.models",
    "RequestContext": "types",
    "RequestEvent": "events",
    "RequestRejectedError": "errors",
    "RoutingError": "errors",
    "StoreError": "errors",
    "StreamChunk": "types",
    "StreamInterruptedError": "errors",
    "TaskType": "types",
}

__all__ = sorted([*_NAMES, "__version__"])

if TYPE_CHECKING:
    from llm7router.config.models import ProviderConfig as ProviderConfig
    from llm7router.errors import (
        AllProvidersExhaustedError as AllProvidersExhaustedError,
    )
    from llm7router.errors import (
        ArgumentError as ArgumentError,
    )
    from llm7router.errors import (
        ConfigError as ConfigError,
    )
    from llm7router.errors import (
        Llm7RouterError as Llm7RouterError,
    )
    from llm7router.errors import (
        ModelNotFoundError as ModelNotFoundError,
    )
    from llm7router.errors import (
        NoProviderAvailableError as NoProviderAvailableError,
    )
    from llm7router.errors import (
        RequestRejectedError as RequestRejectedError,
    )
    from llm7router.errors import (
        RoutingError as RoutingError,
    )
    from llm7router.errors import (
        StoreError as StoreError,
    )
    from llm7router.errors import (
        StreamInterruptedError as StreamInterruptedError,
    )
    from llm7router.events import RequestEvent as RequestEvent
    from llm7router.presets import (
        LLM7GPT4 as LLM7GPT4,
    )
    from llm7router.presets import (
        GroqProvider as GroqProvider,
    )
    from llm7router.presets import (
        LLM7Claude as LLM7Claude,
    )
    from llm7router.presets import (
        LLM7GPT4Mini as LLM7GPT4Mini,
    )
    from llm7router.presets import (
        LLM7Provider as LLM7Provider,
    )
    from llm7router.presets import (
        LocalProvider as LocalProvider,
    )
    from llm7router.presets import (
        OpenRouterProvider as OpenRouterProvider,
    )
    from llm7router.router import LLMRouter as LLMRouter
    from llm7router.types import (
        Capability as Capability,
    )
    from llm7router.types import (
        CompletionResult as CompletionResult,
    )
    from llm7router.types import (
        Decision as Decision,
    )
    from llm7router.types import (
        EmbeddingResult as EmbeddingResult,
    )
    from llm7router.types import (
        RequestContext as RequestContext,
    )
    from llm7router.types import (
        StreamChunk as StreamChunk,
    )
    from llm7router.types import (
        TaskType as TaskType,
    )


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        value = getattr(import_module(f"llm7router.{_NAMES[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'llm7router' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
