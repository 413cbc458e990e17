"""The home directory of a local server: where everything it keeps lies, and its key files."""

import base64
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from portal.local.errors import CannotStart

# Socket paths must fit sockaddr_un: 108 bytes on Linux, 104 on macOS, the name of the socket included.
SOCKET_PATH_LIMIT = 90


@dataclass(frozen=True, slots=True)
class Home:
    """``root`` is GOLDGATE_HOME. Everything in it is ours; nothing outside it is written."""

    root: Path

    @property
    def keys(self) -> Path:
        return self.root / "keys"

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def redis(self) -> Path:
        return self.root / "redis"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def log(self) -> Path:
        return self.root / "log"

    @property
    def gate(self) -> Path:
        return self.root / "gate"

    @property
    def password_file(self) -> Path:
        return self.root / "first-administrator-password"

    @property
    def session_key(self) -> Path:
        return self.keys / "session.key"

    @property
    def credentials_key(self) -> Path:
        return self.keys / "credentials.key"

    @property
    def signing_key(self) -> Path:
        return self.keys / "signing.pem"

    @property
    def audit_key(self) -> Path:
        return self.keys / "audit.pem"

    @property
    def snapshot_keys(self) -> Path:
        return self.keys / "snapshot"

    @property
    def audit_sink(self) -> Path:
        """Beside the home, not in it: whoever loses or edits the home still has the checkpoints."""
        return self.root.parent / f"{self.root.name}-checkpoints"

    def prepare(self) -> None:
        """Make what is missing. Raises CannotStart when the place cannot be written."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            for directory in (self.keys, self.run, self.log, self.redis):
                directory.mkdir(mode=0o700, exist_ok=True)
            (self.root / "tmp").mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise CannotStart(
                f"{self.root} cannot be used: {error.strerror}. Set GOLDGATE_HOME to a directory you may write."
            ) from error
        make_secret(self.session_key, secrets.token_urlsafe(48))
        make_secret(self.credentials_key, base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())


def make_secret(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` once, readable by the owner alone. Keeps what is there.

    Raises CannotStart for an empty file: a half-made home must not start with an empty key.
    """
    if path.exists():
        if path.stat().st_size == 0:
            raise CannotStart(f"{path} is empty: an earlier start was cut off. Remove that file and start again.")
        return
    temporary = path.with_name(path.name + ".new")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)
