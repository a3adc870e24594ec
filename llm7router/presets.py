"""Providers by name: thin presets whose facts are read from the packaged router.yaml.

router.register_provider(GroqProvider())
router.register_provider(LocalProvider(model_callable=my_model, model_name="mine"))
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Protocol

from llm7router.catalog import with_stars
from llm7router.config.load import check_provider, load, packaged, read_provider
from llm7router.config.models import ProviderConfig, ProviderSpec
from llm7router.errors import ConfigError
from llm7router.types import Capability, Unit


def from_catalog(
    name: str, overrides: Mapping[str, Any] | None = None, env: Mapping[str, str] | None = None
) -> ProviderSpec:
    """The provider `name` of the packaged router.yaml, enabled, with `overrides` of its keys.

    `env` is where `${VAR}` is looked up; None is the process's environment over `.env`.

    Raises:
        ConfigError: there is no such provider, or an override has a fault.
    """
    loaded = load(packaged(), env=env)
    specs = {spec.name: spec for spec in loaded.providers}
    if name not in specs:
        raise ConfigError(f"no provider {name!r} in the catalogue; use one of {', '.join(sorted(specs))}")
    spec = specs[name]
    models = [with_stars(model, loaded.config.strengths) for model in spec.config.models]  # that table stays behind
    whole = spec.config.model_copy(update={"models": models})
    unknown = set(overrides or {}) - set(ProviderConfig.model_fields)
    if unknown:
        raise ConfigError(f"{name}: unknown key {sorted(unknown)[0]!r}; use a key of providers.{name} in router.yaml")
    data = {**whole.model_dump(mode="json", exclude_none=True), "enabled": True, **(overrides or {})}
    config = read_provider(name, data, across=not spec.unset)  # with one unset it is skipped and need not be whole
    return ProviderSpec(name, config, spec.unset)


class Preset:
    """A provider of the catalogue. Keyword arguments override its keys: `GroqProvider(api_key=..., enabled=True)`.

    At another `base_url`, name another `api_key_env`: the provider's own key goes to nobody else.
    """

    name: ClassVar[str]

    def __init__(self, **overrides: Any) -> None:
        self._overrides = overrides

    def spec(self, env: Mapping[str, str] | None = None) -> ProviderSpec:
        """What the router registers."""
        return from_catalog(self.name, self._overrides, env)


class LLM7Provider(Preset):
    """LLM7.io: answers without a key, within cautious limits; `LLM7_API_KEY` raises them."""

    name = "llm7"


class OpenRouterProvider(Preset):
    """OpenRouter's free models; needs `OPENROUTER_API_KEY`."""

    name = "openrouter"


class GroqProvider(Preset):
    """Groq's free plan; needs `GROQ_API_KEY`."""

    name = "groq"


class _RetiredModel(LLM7Provider):
    """A model that LLM7 no longer gives away: the provider's present free models answer in its place."""

    model: ClassVar[str]

    def __init__(self, **overrides: Any) -> None:
        warnings.warn(
            f"LLM7 no longer gives {self.model} away; its present free models answer (LLM7Provider)",
            FutureWarning,
            stacklevel=2,
        )
        super().__init__(**overrides)


class LLM7GPT4Mini(_RetiredModel):
    """`LLM7Provider`, with a notice."""

    model = "gpt-4o-mini"


class LLM7GPT4(_RetiredModel):
    """`LLM7Provider`, with a notice."""

    model = "gpt-4"


class LLM7Claude(_RetiredModel):
    """`LLM7Provider`, with a notice."""

    model = "claude-3.5-sonnet"


class LocalProvider:
    """A model on this machine: without arguments the catalogue's, or a GGUF file, or a callable.

    Args:
        model_callable: called as `f(messages, **parameters)` with the parameters that it accepts (or with the text
            if its first parameter is named `prompt`); sync or async; gives a string, an OpenAI-shaped mapping, or
            an iterator of either.
        model_name: names the deployment `local/<model_name>`.
        path: a GGUF file, or `package:MODULE/FILE`; in place of `model_callable`.
        context_window: tokens, prompt and answer together.
        quality: stars 1..5 by task type.
    """

    name = "local"

    def __init__(
        self,
        model_callable: Callable[..., Any] | None = None,
        model_name: str | None = None,
        *,
        path: str | None = None,
        context_window: int = 4096,
        quality: Mapping[str, float] | None = None,
        capabilities: tuple[Capability | str, ...] = (Capability.STREAMING,),
    ) -> None:
        if model_callable is not None and path is not None:
            raise TypeError("give model_callable or path, not both")
        if model_callable is not None and not callable(model_callable):
            raise TypeError(f"model_callable must be callable, not {type(model_callable).__name__}")
        self._target, self._path, self._name = model_callable, path, model_name
        self._facts: dict[str, Any] = {
            "context_window": context_window,
            "quality": dict(quality or {}),
            "capabilities": list(capabilities),
        }

    def spec(self, env: Mapping[str, str] | None = None) -> ProviderSpec:
        """What the router registers."""
        catalog = from_catalog(self.name, env=env)
        if self._target is None and self._path is None:
            return catalog
        model = {
            "id": self._name or (self._path or "model").rsplit("/", 1)[-1].removesuffix(".gguf"),
            "path": self._path,
            "cost": {"input": 0, "output": 0},
            "limits": [{"unit": Unit.CONCURRENT, "max": 4}],
            **self._facts,
        }
        data = {**catalog.config.model_dump(mode="json", exclude_none=True), "models": [model]}
        config = read_provider(self.name, data, across=self._target is None)  # a callable has no file
        return ProviderSpec(self.name, config, target=self._target)


class HasSpec(Protocol):
    """A provider preset."""

    def spec(self, env: Mapping[str, str] | None = None) -> ProviderSpec: ...


Provider = str | ProviderSpec | ProviderConfig | HasSpec


def spec_of(provider: Provider, name: str | None, env: Mapping[str, str]) -> ProviderSpec:
    """What a router registers for a catalogue name, a preset or a configuration.

    Raises:
        ConfigError: the catalogue has no such provider, or the configuration has faults.
        TypeError: it is none of these, or a configuration without a name.
    """
    if isinstance(provider, str):
        return from_catalog(provider, env=env)
    if isinstance(provider, ProviderSpec):
        return provider
    if isinstance(provider, ProviderConfig):
        if not name:
            raise TypeError("a ProviderConfig has no name of its own; call register_provider(config, name='...')")
        check_provider(name, provider)
        return ProviderSpec(name, provider)
    if not hasattr(provider, "spec") or isinstance(provider, type):
        raise TypeError(
            f"not a provider: {provider!r}; give a name, a preset such as GroqProvider(), or a ProviderConfig"
        )
    return provider.spec(env)
