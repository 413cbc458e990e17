"""Where a source's repository may be, read from what a person typed.

https and ssh with a host, or an absolute path on this machine. Nothing else: git knows transports that run programs
(``ext::``), and addresses that begin with a dash are options to somebody. No passwords in an address: it is shown.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from urllib.parse import quote, urlsplit

from core.errors import FieldError

MAX_URL_LENGTH = 1000
DEFAULT_PORTS = {"https": 443, "ssh": 22}
_HOST = re.compile(r"\A(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*\Z")
_USER = re.compile(r"\A[A-Za-z0-9_][A-Za-z0-9._-]{0,63}\Z")
_PATH = re.compile(r"\A/[A-Za-z0-9._~/+@%-]+\Z")
_LOCAL = re.compile(r"\A/[^\x00-\x1f\x7f\"\\]+\Z")


class Transport(StrEnum):
    """How git reaches a repository. The value is git's name for it."""

    HTTPS = "https"
    SSH = "ssh"
    LOCAL = "file"


@dataclass(frozen=True, slots=True)
class SourceUrl:
    """A repository's address in parts. ``host`` and ``port`` are empty and 0 for a path on this machine."""

    transport: Transport
    path: str
    host: str = ""
    port: int = 0
    user: str = ""

    @property
    def authority(self) -> str:
        """``host:port``, the port always written."""
        return f"{self.host}:{self.port}"

    @property
    def text(self) -> str:
        """As git is given it: made from the parts, never the text that came in."""
        if self.transport is Transport.LOCAL:
            # git decodes it again: a "%2e%2e" in a name must not become a step upwards.
            return f"file://{quote(self.path)}"
        user = f"{self.user}@" if self.user else ""
        return f"{self.transport}://{user}{self.host}:{self.port}{self.path}"


def parse_url(text: str) -> SourceUrl:
    """Raises ValueError, in words."""
    if not text or len(text) > MAX_URL_LENGTH:
        raise ValueError(f"An address has 1 to {MAX_URL_LENGTH} characters.")
    if not text.isprintable() or text != text.strip():
        raise ValueError("An address has no spaces at its ends and no signs that cannot be seen.")
    if text.startswith("/"):
        return _local(text)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError("It is no address.") from None
    if parts.scheme not in DEFAULT_PORTS or not text.startswith(f"{parts.scheme}://"):
        raise ValueError("Only https://, ssh:// and absolute paths below a listed directory are fetched from.")
    if parts.password is not None or (parts.username and parts.scheme == "https"):
        raise ValueError("An address holds no user name or password: it is shown to everybody.")
    if parts.query or parts.fragment or "?" in text or "#" in text:
        raise ValueError("An address ends with the path of the repository.")
    if port == 0 or not _HOST.match(parts.hostname or "") or not _PATH.match(parts.path) or ".." in parts.path:
        raise ValueError("An address names a host in plain letters and the path of a repository.")
    if parts.username is not None and not _USER.match(parts.username):
        raise ValueError("The user name has signs that it may not have.")
    return SourceUrl(
        transport=Transport(parts.scheme),
        path=parts.path,
        host=str(parts.hostname),
        port=port or DEFAULT_PORTS[parts.scheme],
        user=parts.username or "",
    )


def is_listed(authority: str, listed: Iterable[str], *, default_port: int) -> bool:
    """Whether ``host:port`` is in ``listed``, where an entry without a port means the usual one."""
    found = set()
    for one in listed:
        host, _, port = one.strip().lower().rpartition(":")
        found.add(one.strip().lower() if host and port.isdigit() else f"{one.strip().lower()}:{default_port}")
    return authority.lower() in found


def relative_problem(path: str, *, pointer: str, may_be_empty: bool) -> FieldError | None:
    """What is wrong with a path inside the repository."""
    if not path and may_be_empty:
        return None
    parts = path.split("/")
    is_clean = path == str(PurePosixPath(path)) and not path.startswith(("/", "-"))
    if is_clean and len(path) <= 500 and all(_is_part(part) for part in parts):
        return None
    cure = "Write a path inside the repository, such as images/base, without . or .. and not beginning with /"
    return FieldError(pointer, "path_malformed", cure)


def _is_part(part: str) -> bool:
    is_plain = bool(part) and not any(ord(sign) < 32 or ord(sign) == 127 or sign == "\\" for sign in part)
    return is_plain and part not in (".", "..") and part.lower() != ".git"


def _local(text: str) -> SourceUrl:
    if not _LOCAL.match(text) or text != str(PurePosixPath(text)) or ".." in text.split("/"):
        raise ValueError("A path on this machine is absolute, without . and .. and without control characters.")
    return SourceUrl(transport=Transport.LOCAL, path=text)
