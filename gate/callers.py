"""Who may ask a gate: whoever shows one of its tokens, in the header, or as the last part of the address.

A webhook's address is all that every cluster lets one set; a header needs the API server's own configuration
(docs/adr/0056).
"""

import hmac
import re
import secrets
from pathlib import Path

from core.errors import GoldgateError, Kind

FILE_NAME = "caller-token"  # in the gate's home, where enrolling made it
ADMIT = "/v1/admit"
_IN_ADDRESS = re.compile(r"[A-Za-z0-9_-]{22,200}")  # what needs no quoting and is not guessed


class MalformedTokens(GoldgateError):
    """The file of tokens holds none."""

    code = "malformed_caller_tokens"
    kind = Kind.MALFORMED


class Callers:
    """The tokens that are good, one a line of the file: during a change, the old one beside the new."""

    def __init__(self, tokens: tuple[str, ...] = ()) -> None:
        self.tokens = tokens
        self._bearers = tuple(f"Bearer {token}".encode() for token in tokens)
        self._paths = tuple(f"{ADMIT}/{token}".encode() for token in tokens if _IN_ADDRESS.fullmatch(token))

    @classmethod
    def read(cls, path: Path) -> "Callers":
        """Raises OSError; MalformedTokens for a file without any: an empty one would let in nobody, or everybody."""
        tokens = tuple(line.strip() for line in path.read_text().splitlines() if line.strip())
        if not tokens:
            raise MalformedTokens(f"{path} holds no token.", cure="Write one into it, a line each.")
        return cls(tokens)

    @property
    def is_anyone(self) -> bool:
        """Whether nobody is asked for a token."""
        return not self.tokens

    @property
    def for_address(self) -> str:
        """The first token that can stand in an address; "" where none can, or none is needed."""
        return next((token for token in self.tokens if _IN_ADDRESS.fullmatch(token)), "")

    def let_in(self, authorization: str) -> bool:
        """Whether a request with this header is heard."""
        return self.is_anyone or _is_one_of(authorization, self._bearers)

    def let_in_by(self, path: str) -> bool:
        """Whether the address is that of the webhook with a token of ours."""
        return _is_one_of(path, self._paths)


def new_token() -> str:
    """256 bits, of characters that an address takes as they are."""
    return secrets.token_urlsafe(32)


def _is_one_of(shown: str, good: tuple[bytes, ...]) -> bool:
    given = shown.encode("utf-8", "surrogateescape")
    return any(hmac.compare_digest(given, one) for one in good)
