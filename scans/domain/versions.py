"""Version order as bytes: memcmp of two keys is the ecosystem's own order of the two versions.

- One function, ``version_key(ecosystem, version)``, used for components and for the ends of ranges.
- Keys carry ``KEY_VERSION``: a change of an encoder means encoding again from the stored text.
- What cannot be encoded raises CannotCompare and is listed as such, never silently unmatched.

Debian (deb-version(7); dpkg's ``verrevcmp``): a part is read as non-digits, digits, non-digits, … In
non-digits ``~`` sorts before the end of the run, the end before letters, letters before all others; a run of
digits is a number, absent = 0. So: ``~`` is 0x01, the end of a run or part 0x02, a letter itself, anything
else 0x80 + its code; a number is its length in bytes, then its big-endian bytes.
"""

import re

KEY_VERSION = 1
# A btree entry of PostgreSQL holds some 2,700 bytes; no real version comes near this.
MAX_KEY_BYTES = 1024
FIRST_KEY = b""  # below every version: OSV's ``introduced: "0"``

_TILDE = 0x01
_END = 0x02
_OTHERS = 0x80
_EPOCH = re.compile(r"\A[0-9]{1,10}\Z")
# Colons may stand in it only after an epoch; hyphens only before a revision.
_UPSTREAM = re.compile(r"\A[A-Za-z0-9.+~:-]+\Z")
_REVISION = re.compile(r"\A[A-Za-z0-9.+~]+\Z")
_RUNS = re.compile(r"([^0-9]*)([0-9]*)")
_MAX_EPOCH = 2**31 - 1  # dpkg refuses a larger one

# The ecosystems (OSV schema 1.7, "Defined ecosystems") whose versions are Debian's.
DEB_ECOSYSTEMS = frozenset({"Debian", "Ubuntu"})


class CannotCompare(ValueError):
    """A version, or a whole ecosystem, whose order is not known here."""


def has_order(ecosystem: str) -> bool:
    """Whether versions of ``ecosystem`` (``Debian:12``) can be put in order at all."""
    return ecosystem.split(":", 1)[0] in DEB_ECOSYSTEMS


def version_key(ecosystem: str, version: str) -> bytes:
    """Bytes whose order is the order of versions in ``ecosystem``. Raises CannotCompare."""
    if not has_order(ecosystem):
        raise CannotCompare(f"the order of versions in {ecosystem or 'an unnamed ecosystem'} is not known")
    return deb_key(version)


def deb_key(version: str) -> bytes:
    """The order key of a Debian version, ``[epoch:]upstream[-revision]``. Raises CannotCompare."""
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "0", version
    upstream, hyphen, revision = rest.rpartition("-")
    if not hyphen:
        # No revision is the revision "0": both encode the same.
        upstream, revision = rest, "0"
    is_sound = len(version) <= MAX_KEY_BYTES and _EPOCH.match(epoch) and int(epoch) <= _MAX_EPOCH
    if not (is_sound and _UPSTREAM.match(upstream) and _REVISION.match(revision)):
        raise CannotCompare(f"{version[:80]!r} is not a Debian version")
    key = bytes(_number(epoch) + _part(upstream) + _part(revision))
    if len(key) > MAX_KEY_BYTES:
        raise CannotCompare(f"{version[:40]!r}… is too long to be put in order")
    return key


def _part(text: str) -> bytearray:
    found = bytearray()
    position = 0
    while True:
        run = _RUNS.match(text, position)
        # The pattern matches the empty string, so it always matches.
        assert run is not None  # noqa: S101
        found.extend(_character(character) for character in run[1])
        found.append(_END)
        found.extend(_number(run[2]))
        position = run.end()
        if position == len(text):
            found.append(_END)
            return found


def _character(character: str) -> int:
    if character == "~":
        return _TILDE
    return ord(character) if character.isalpha() else _OTHERS + ord(character)


def _number(digits: str) -> bytes:
    value = int(digits) if digits else 0
    size = (value.bit_length() + 7) // 8
    if size > 255:
        raise CannotCompare("a number in the version is too large")
    return bytes([size]) + value.to_bytes(size, "big")
