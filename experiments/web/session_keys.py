"""What sessions are signed with: the secret kept with the tokens, or one of its own without any."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_bytes
from tempfile import mkstemp
from typing import Final

from experiments.access import AccessStore

OWN_NAME: Final = ".glassloop-session"
"""In the served folder, made when somebody looks while there are no tokens."""

SECRET_BYTES: Final = 32

_Stamp = tuple[str, int, int] | None


@dataclass(slots=True)
class SessionKeys:
    """Keys in memory; a file is read again when it is another one, or was changed.

    Attributes:
        store: Tokens there are.
    """

    store: AccessStore
    _held: tuple[_Stamp, bytes] | None = None
    _spare: bytes = field(default_factory=lambda: token_bytes(SECRET_BYTES))

    def now(self) -> bytes:
        """The key of now; it outlives a restart.

        Raises:
            AccessError: If there are tokens, and their file cannot be read.
        """
        path = self.store.path if self.store.exists else self.store.path.with_name(OWN_NAME)
        stamp, held = _stamp(path), self._held
        if held is not None and held[0] == stamp:
            return held[1]
        key = self.store.cookie_secret() if path == self.store.path else self._own(path)
        self._held = (stamp, key)
        return key

    def _own(self, path: Path) -> bytes:
        """The key of a server without tokens; one that ends with it where none can be kept."""
        try:
            if (kept := _read(path)) is None:
                _write(path, self._spare)
                kept = _read(path)  # of whoever wrote last, should two have begun at once
        except OSError:
            kept = None
        return kept or self._spare


def _stamp(path: Path) -> _Stamp:
    try:
        found = path.stat()
    except OSError:
        return None
    return (path.name, found.st_ino, found.st_mtime_ns)


def _read(path: Path) -> bytes | None:
    try:
        found = path.read_bytes()
    except FileNotFoundError:
        return None
    return found if len(found) == SECRET_BYTES else None


def _write(path: Path, secret: bytes) -> None:
    """Whole or not at all, and for nobody but its owner."""
    handle, draft = mkstemp(prefix=path.name, dir=path.parent)  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secret)
        Path(draft).replace(path)
    finally:
        Path(draft).unlink(missing_ok=True)
