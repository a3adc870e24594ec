"""The local models that this machine has: those of router.yaml, and those that the Hugging Face cache holds beside."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from llm7router.calls.local import gguf, hub_cache, paths
from llm7router.calls.local.errors import LocalModelError
from llm7router.types import Deployment, Kind


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model, and why it cannot be used, if so. `context` is the configured one, in tokens, or what it can."""

    id: str  # of the deployment, or the path of one that router.yaml does not name
    configured: bool
    path: str
    context: int
    file: Path | None = None
    about: gguf.ModelFile | None = None
    trouble: str = ""

    @property
    def memory(self) -> int | None:
        """Bytes that it takes when it runs, as the file says; None if that is not known."""
        return self.about.memory(self.context) if self.about else None


def configured(deployments: Iterable[Deployment]) -> list[LocalModel]:
    """Every GGUF model of router.yaml that is not switched off."""
    return [_looked_at(d) for d in deployments if d.kind is Kind.LLAMA_CPP and d.off is None]


def others(known: Iterable[LocalModel], cache: Path | None = None) -> list[LocalModel]:
    """GGUF files of the Hugging Face cache that are not among the known ones."""
    files = {model.file for model in known}
    found = []
    for name, file in hub_cache.models(cache):
        if file.resolve() in files:
            continue
        try:
            about = gguf.read(file)
        except LocalModelError:  # half of a model, or what comes beside one
            continue
        found.append(LocalModel(str(name), False, str(name), about.context or 0, file.resolve(), about))
    return found


def _looked_at(d: Deployment) -> LocalModel:
    path = d.path or ""
    try:
        file = paths.resolve(path)
        return LocalModel(d.id, True, path, d.context_window, file, gguf.read(file))
    except LocalModelError as error:
        return LocalModel(d.id, True, path, d.context_window, trouble=str(error))
