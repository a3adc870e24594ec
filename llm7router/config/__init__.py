"""router.yaml: where it is, what it says, and everything that is wrong with it."""

from llm7router.config.load import find, from_data, load, packaged
from llm7router.config.models import Config, LoadedConfig, ProviderConfig, ProviderSpec

__all__ = ["Config", "LoadedConfig", "ProviderConfig", "ProviderSpec", "find", "from_data", "load", "packaged"]
