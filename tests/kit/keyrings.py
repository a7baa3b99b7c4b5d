"""A keyring for tests, also for those in processes of their own: a JSON file that a variable names."""

from __future__ import annotations

import json
import os
from pathlib import Path

from keyring.backend import KeyringBackend

VARIABLE = "TEST_KEYRING"
"""The variable that names the file. If its content is ``broken``, the keyring fails."""

BACKEND = "tests.kit.keyrings.FileKeyring"
"""What ``PYTHON_KEYRING_BACKEND`` is to be."""


class FileKeyring(KeyringBackend):
    """A keyring that shows its failures, and nothing else."""

    priority = 1

    def get_password(self, service: str, username: str) -> str | None:
        return self._read().get(f"{service} {username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        self._write({**self._read(), f"{service} {username}": password})

    def delete_password(self, service: str, username: str) -> None:
        stored = self._read()
        del stored[f"{service} {username}"]
        self._write(stored)

    def _read(self) -> dict[str, str]:
        path = Path(os.environ[VARIABLE])
        content = path.read_text("utf-8") if path.exists() else "{}"
        if content == "broken":
            raise RuntimeError("locked, and the password is s3cret-Pass")
        stored: dict[str, str] = json.loads(content)
        return stored

    def _write(self, stored: dict[str, str]) -> None:
        Path(os.environ[VARIABLE]).write_text(json.dumps(stored), "utf-8")


class PlaintextKeyring(FileKeyring):
    """A keyring of the kind that stores passwords in a plain file."""

    priority = 0.5  # type: ignore[assignment]  # as above
