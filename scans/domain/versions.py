"""Version order as bytes: memcmp of two keys is the ecosystem's own order of the two versions.

- One function, ``version_key(ecosystem, version)``, used for components and for the ends of ranges.
- Keys carry ``KEY_VERSION``: a change of an encoder means encoding again from the stored text.
- What cannot be encoded raises CannotCompare and is listed as such, never silently unmatched.

Debian (deb-version(7); dpkg's ``verrevcmp``): a part is read as non-digits, digits, non-digits, … In
non-digits ``~`` sorts before the end of the run, the end before letters, letters before all others; a run of
digits is a number, absent = 0. So: ``~`` is 0x01, the end of a run or part 0x02, a letter itself, anything
else 0x80 + its code; a number is its length in bytes, then its big-endian bytes.

Alpine, Wolfi, Chainguard (apk-package(5); apk-tools' ``version.c``): numbers parted by dots, one letter, suffixes with
a number each, a commit, a revision. What follows at one place is ordered by its kind: a suffix of a preview, nothing,
a revision, a commit, a suffix's number, a suffix of an update, a letter, a number; so each is written as its kind,
then its value. A number behind a dot that begins with 0 is a fraction: it sorts as text, before all that do not.

Red Hat, AlmaLinux (rpm-version(7); rpm's ``rpmvercmp``): an epoch, a version, a release. A part is read as ``~``,
``^``, runs of letters and runs of digits; whatever else stands between parts them and is worth nothing. At one place
``~`` is before the end, the end before ``^``, that before letters, letters before a number; a run of letters is text,
one of digits a number. No release is before every release.
"""

import re

KEY_VERSION = 3
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

_APK = re.compile(r"\A([0-9]+)((?:\.[0-9]+)*)([a-z]?)((?:_[a-z]+[0-9]*)*)(~[0-9a-f]+)?(-r[0-9]+)?\Z")
_APK_SUFFIX = re.compile(r"_([a-z]+)([0-9]*)")
# Of suffixes, in their order: those of previews sort before the version that has none, those of updates after it.
_APK_PREVIEWS = ("alpha", "beta", "pre", "rc")
_APK_UPDATES = ("cvs", "svn", "git", "hg", "p")
# What stands at one place of a version, in order.
_APK_PREVIEW, _APK_END, _APK_REVISION, _APK_COMMIT, _APK_SUFFIX_NUMBER, _APK_UPDATE, _APK_LETTER, _APK_DIGITS = range(8)
_APK_LARGEST = 2**64 - 1  # apk counts in 64 bits, and wraps

# What rpm builds: anything else is no version of it. A version has no hyphen of its own.
_RPM = re.compile(r"\A(?:([0-9]{1,20}):)?([A-Za-z0-9._+~^]+)(?:-([A-Za-z0-9._+~^]+))?\Z")
_RPM_MODULE = re.compile(r"\.module[+_]el[0-9]")
_RPM_TOKEN = re.compile(r"([A-Za-z]+)|([0-9]+)|([~^])")
# What stands at one place of a version, in order.
_RPM_TILDE, _RPM_END, _RPM_CARET, _RPM_LETTERS, _RPM_DIGITS = range(1, 6)
_RPM_LARGEST_EPOCH = 2**32 - 1  # rpm counts it in 32 bits

# The ecosystems (OSV schema 1.7, "Defined ecosystems") whose versions are Debian's, apk's, and rpm's.
DEB_ECOSYSTEMS = frozenset({"Debian", "Ubuntu"})
APK_ECOSYSTEMS = frozenset({"Alpine", "Chainguard", "Wolfi"})
RPM_ECOSYSTEMS = frozenset({"AlmaLinux", "Red Hat"})


class CannotCompare(ValueError):
    """A version, or a whole ecosystem, whose order is not known here."""


def has_order(ecosystem: str) -> bool:
    """Whether versions of ``ecosystem`` (``Debian:12``, ``Alpine:v3.19``, ``Wolfi``) can be put in order at all."""
    return ecosystem.split(":", 1)[0] in DEB_ECOSYSTEMS | APK_ECOSYSTEMS | RPM_ECOSYSTEMS


def is_of_module(version: str) -> bool:
    """Whether an rpm was built for a stream of a module (``.module+el9.3.0+…``, at AlmaLinux ``.module_el8.5.0+…``)."""
    return bool(_RPM_MODULE.search(version))


def version_key(ecosystem: str, version: str) -> bytes:
    """Bytes whose order is the order of versions in ``ecosystem``. Raises CannotCompare."""
    family = ecosystem.split(":", 1)[0]
    if family in APK_ECOSYSTEMS:
        return apk_key(version)
    if family in RPM_ECOSYSTEMS:
        if is_of_module(version):
            # Every stream of a module is numbered by itself, and neither side says which stream it is about.
            raise CannotCompare(f"{version[:80]!r} is of a module, and which of its streams is meant is not said")
        return rpm_key(version)
    if family not in DEB_ECOSYSTEMS:
        raise CannotCompare(f"the order of versions in {ecosystem or 'an unnamed ecosystem'} is not known")
    if family == "Ubuntu" and "fips" in version.lower():
        # 2.fips.22 is numbered by itself: it says nothing about 2.23, and would sort after it.
        raise CannotCompare(f"{version[:80]!r} is of a FIPS series, which is numbered apart from the release")
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


def apk_key(version: str) -> bytes:
    """The order key of an apk version, ``1.2.3b_rc1_p2~c0ffee-r4``. Raises CannotCompare."""
    parts = _APK.match(version) if len(version) <= MAX_KEY_BYTES else None
    if parts is None:
        raise CannotCompare(f"{version[:80]!r} is not an apk version")
    first, dotted, letter, suffixes, commit, revision = parts.groups()
    key = bytearray(_apk_number(first))
    for digits in dotted.split(".")[1:]:
        key.append(_APK_DIGITS)
        # No number is 0 bytes long: 0x00 puts the fractions first, and ends the shorter one of two.
        key += b"\0" + digits.encode() + b"\0" if digits.startswith("0") else _apk_number(digits)
    if letter:
        key += bytes((_APK_LETTER, ord(letter)))
    for name, digits in _APK_SUFFIX.findall(suffixes):
        key += _apk_suffix(name, version)
        if digits:
            key += bytes((_APK_SUFFIX_NUMBER,)) + _apk_number(digits)
    if commit:
        key += bytes((_APK_COMMIT,)) + commit[1:].encode() + b"\0"
    if revision:
        key += bytes((_APK_REVISION,)) + _apk_number(revision[2:])
    key.append(_APK_END)
    if len(key) > MAX_KEY_BYTES:
        raise CannotCompare(f"{version[:40]!r}… is too long to be put in order")
    return bytes(key)


def _apk_suffix(name: str, version: str) -> bytes:
    if name in _APK_PREVIEWS:
        return bytes((_APK_PREVIEW, _APK_PREVIEWS.index(name)))
    if name in _APK_UPDATES:
        return bytes((_APK_UPDATE, _APK_UPDATES.index(name)))
    raise CannotCompare(f"{version[:80]!r} is not an apk version: it has no suffix _{name[:20]}")


def _apk_number(digits: str) -> bytes:
    if int(digits) > _APK_LARGEST:
        raise CannotCompare("a number in the version is larger than apk counts")
    return _number(digits)


def rpm_key(version: str) -> bytes:
    """The order key of an rpm version, ``[epoch:]version[-release]``. Raises CannotCompare."""
    parts = _RPM.match(version) if len(version) <= MAX_KEY_BYTES else None
    if parts is None or int(parts[1] or "0") > _RPM_LARGEST_EPOCH:
        raise CannotCompare(f"{version[:80]!r} is not an rpm version")
    key = _number(parts[1] or "0") + _rpm_part(parts[2])
    if parts[3] is not None:
        key += _rpm_part(parts[3])
    if len(key) > MAX_KEY_BYTES:
        raise CannotCompare(f"{version[:40]!r}… is too long to be put in order")
    return key


def _rpm_part(text: str) -> bytes:
    found = bytearray()
    for letters, digits, mark in _RPM_TOKEN.findall(text):
        if letters:
            # 0x00 ends the shorter one of two words.
            found += bytes((_RPM_LETTERS,)) + letters.encode() + b"\0"
        elif digits:
            found += bytes((_RPM_DIGITS,)) + _number(digits)
        else:
            found.append(_RPM_TILDE if mark == "~" else _RPM_CARET)
    found.append(_RPM_END)
    return bytes(found)


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
