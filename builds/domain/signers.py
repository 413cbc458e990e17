"""Whose signatures a source believes, as people wrote them down.

ALLOWED SIGNERS lines as in ssh-keygen(1), and known_hosts lines as in sshd(8). Only plain forms are taken: no
certificate authorities, no wildcards among the principals, no hashed hosts. Who may sign stands there by name.
"""

import base64
import binascii
import re
from dataclasses import dataclass

from core.errors import FieldError

KEY_TYPES = frozenset(
    {
        "ssh-ed25519",
        "sk-ssh-ed25519@openssh.com",
        "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521",
        "sk-ecdsa-sha2-nistp256@openssh.com",
        "ssh-rsa",
        "rsa-sha2-256",
        "rsa-sha2-512",
    }
)
LEAST_RSA_BITS = 2048
_PRINCIPAL = re.compile(r"\A[A-Za-z0-9._%+@-]{1,320}\Z")
_OPTION = re.compile(r'\A(?:namespaces="git"|valid-after="\d{8}(?:\d{4,6})?Z?"|valid-before="\d{8}(?:\d{4,6})?Z?")\Z')
_KNOWN_HOST = re.compile(r"\A(?:[a-z0-9.-]+|\[[a-z0-9.-]+\]:\d{1,5})(?:,(?:[a-z0-9.-]+|\[[a-z0-9.-]+\]:\d{1,5}))*\Z")
GPG_BEGIN, GPG_END = "-----BEGIN PGP PUBLIC KEY BLOCK-----", "-----END PGP PUBLIC KEY BLOCK-----"


@dataclass(frozen=True, slots=True)
class Signer:
    """One line: who, with which key, and the options as written."""

    principals: tuple[str, ...]
    options: tuple[str, ...]
    key_type: str
    key: str

    @property
    def line(self) -> str:
        """As ssh-keygen reads it: made from the parts, never the text that came in."""
        options = f"{','.join(self.options)} " if self.options else ""
        return f"{','.join(self.principals)} {options}{self.key_type} {self.key}"


def parse_signers(text: str) -> list[Signer]:
    """Raises ValueError, naming the line."""
    found = []
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        fields = line.split()
        options: tuple[str, ...] = ()
        if len(fields) > 2 and fields[1] not in KEY_TYPES:
            options = tuple(fields.pop(1).split(","))
        if len(fields) < 3 or not all(_OPTION.match(option) for option in options):
            raise ValueError(
                f'Line {number}: write a principal, then namespaces="git", valid-after or valid-before, then the key.'
            )
        principals = tuple(fields[0].split(","))
        if not all(_PRINCIPAL.match(principal) for principal in principals):
            raise ValueError(f"Line {number}: a principal is an address or a name, without * or ?.")
        if not is_key(fields[1], fields[2]):
            raise ValueError(f"Line {number}: that is no SSH public key of a kind that is taken.")
        found.append(Signer(principals, options, fields[1], fields[2]))
    return found


def parse_known_hosts(text: str) -> list[str]:
    """The lines, cleaned. Raises ValueError, naming the line."""
    found = []
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        fields = line.split()
        if len(fields) < 3 or not _KNOWN_HOST.match(fields[0]) or not is_key(fields[1], fields[2]):
            raise ValueError(f"Line {number}: write host or [host]:port, then the host's public key.")
        found.append(" ".join(fields[:3]))
    return found


def is_key(key_type: str, key: str) -> bool:
    """Whether it is an SSH public key (RFC 4253, 6.6) of a kind that is taken, and says so inside too."""
    if key_type not in KEY_TYPES:
        return False
    try:
        body = base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        return False
    parts = _strings(body)
    wanted = "ssh-rsa" if key_type.startswith("rsa-") else key_type
    if len(parts) < 2 or parts[0] != wanted.encode():
        return False
    if wanted == "ssh-rsa":
        return len(parts) == 3 and int.from_bytes(parts[2], "big").bit_length() >= LEAST_RSA_BITS
    return True


def gpg_problem(text: str) -> str:
    """What is wrong with armoured public keys; "" when they look right (gpg reads them when it verifies)."""
    blocks = text.count(GPG_BEGIN)
    if not text.strip():
        return ""
    if "PRIVATE KEY" in text:
        return "That is a private key. Make it unusable at once, and write the public one here."
    if blocks == 0 or blocks != text.count(GPG_END):
        return f"Write armoured public keys, each from {GPG_BEGIN} to {GPG_END}"
    return ""


def signer_problems(*, allowed_signers: str, gpg_keys: str, known_hosts: str) -> list[FieldError]:
    """Every field that cannot be read, with the cure."""
    wrong = []
    for pointer, text, parse in (
        ("/allowed_signers", allowed_signers, parse_signers),
        ("/known_hosts", known_hosts, parse_known_hosts),
    ):
        try:
            parse(text)
        except ValueError as error:
            wrong.append(FieldError(pointer, "lines_malformed", str(error)))
    if problem := gpg_problem(gpg_keys):
        wrong.append(FieldError("/gpg_keys", "keys_malformed", problem))
    return wrong


def _strings(body: bytes) -> list[bytes]:
    """The length-prefixed strings of an SSH blob (RFC 4251, 5); [] when they do not fit."""
    found = []
    at = 0
    while at < len(body):
        length = int.from_bytes(body[at : at + 4], "big")
        if at + 4 + length > len(body):
            return []
        found.append(body[at + 4 : at + 4 + length])
        at += 4 + length
    return found
