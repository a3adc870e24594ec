"""A keyring for tests in another process: a JSON file at `$TEST_KEYRING_FILE`."""

import json
import os
from pathlib import Path

from keyring.backend import KeyringBackend


class FileKeyring(KeyringBackend):
    """Keeps secrets as well as a test needs it."""

    priority = 1

    def get_password(self, service: str, username: str) -> str | None:
        """The secret, if there is one."""
        return self._all().get(f"{service}/{username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep it."""
        self._path().write_text(json.dumps({**self._all(), f"{service}/{username}": password}))

    def _all(self) -> dict[str, str]:
        return json.loads(self._path().read_text()) if self._path().exists() else {}

    def _path(self) -> Path:
        return Path(os.environ["TEST_KEYRING_FILE"])
