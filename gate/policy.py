"""The policy document: what it takes to certify, to deploy a new digest, to restart a known one.

Rules of the document:

- It is closed: a key that is not named here is refused with its JSON pointer (RFC 6901). A misspelt
  key that reads as "default" would be a hole nobody sees.
- Every key is written: nothing is filled in on reading, so that the hash names all of it. ``denied_bases`` alone is
  left out when there is nothing on it.
- It names only checks that the engine makes. What never varies (a tag, an unknown digest, a revoked or
  suspended one, an overdue known exploited vulnerability always refuse) is no key of it.
- A line may be tightened to nothing but never loosened past the bounds below.

``policies/`` keeps versions of this document, the snapshot carries it, the engine reads it: one JSON.
The keys in prose: ``docs/reference/policy.md``.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Self, assert_never, cast, get_args, get_origin, get_type_hints

from core.canonical import sha256_of
from core.errors import FieldError, GoldgateError, Kind
from gate.denied_bases import DeniedBase, read_denied

SCHEMA = "goldgate.policy/v1"
MAX_NAME_LENGTH = 100  # characters


class MalformedPolicy(GoldgateError):
    """The document is not a policy; ``errors`` names every wrong place by JSON pointer."""

    code: ClassVar[str] = "malformed_policy"
    kind: ClassVar[Kind] = Kind.MALFORMED


class Action(StrEnum):
    """What follows when a line is crossed."""

    REFUSE = "refuse"
    WARN = "warn"
    ACCEPT = "accept"


class Mode(StrEnum):
    """What a namespace asks of an image (design: which checks a mode asks for)."""

    CERTIFIED_ONLY = "certified-only"
    CERTIFIED_BASE = "certified-base"
    TRUSTED_ANY = "trusted-any"


class Of(StrEnum):
    """Whose fact a check reads."""

    IMAGE = "image"
    BASE = "base"
    POD = "pod"
    NOBODY = "nobody"  # the check is not asked in this mode


@dataclass(frozen=True, slots=True)
class Between:
    """A whole number from ``low`` to ``high``, both included."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of these words (of a list: each of its items)."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Key:
    """The JSON key where it is no Python name."""

    name: str


@dataclass(frozen=True, slots=True)
class LeftOutWhenEmpty:
    """A list that is not written when there is nothing on it."""


Days = Annotated[int, Between(0, 365)]
RefuseOrWarn = Annotated[Action, OneOf((Action.REFUSE, Action.WARN))]
RefuseOrAccept = Annotated[Action, OneOf((Action.REFUSE, Action.ACCEPT))]
OfImage = Annotated[Of, OneOf((Of.IMAGE,))]
OfImageOrBase = Annotated[Of, OneOf((Of.IMAGE, Of.BASE, Of.NOBODY))]
OfPod = Annotated[Of, OneOf((Of.POD,))]


@dataclass(frozen=True, slots=True)
class GraceDays:
    """Days that a fix may be out before its finding refuses, by severity; 0 = at once.

    Counted from the advisory's publication, or from our first sight of the fix if that is earlier.
    ``unknown`` is for unrated findings: their line is the policy's, not zero and not the worst.
    """

    critical: Days
    high: Days
    medium: Days
    low: Days
    unknown: Days

    def of(self, severity: str) -> int:
        """Days for ``severity``; CVSS's "none" counts as low, any other word as unknown."""
        match severity:
            case "critical" | "high" | "medium" | "low":
                return int(getattr(self, severity))
            case "none" | "negligible":
                return self.low
            case _:
                return self.unknown


@dataclass(frozen=True, slots=True)
class Findings:
    """When a finding crosses the line. Known exploited ones, fixable ones, those without a fix."""

    known_exploited: RefuseOrWarn
    fixable_grace_days: GraceDays
    unfixed: Action


@dataclass(frozen=True, slots=True)
class Certify:
    """What a candidate must meet, and who must sign, before it is certified."""

    reviewers: Annotated[int, Between(1, 9)]  # distinct persons
    reviewer_roles: Annotated[tuple[str, ...], OneOf(("reviewer", "security_reviewer"))]
    certificate_days: Annotated[int, Between(1, 365)]
    scan_max_age_days: Annotated[int, Between(1, 30)]
    feed_max_age_hours: Annotated[int, Between(1, 720)]
    known_exploited_feed_max_age_days: Annotated[int, Between(1, 365)]  # warns only
    end_of_life_feed_max_age_days: Annotated[int, Between(1, 730)]  # warns only
    frozen_feed: RefuseOrAccept  # accept: judged at its frozen date; demo only
    findings: Findings
    end_of_life: RefuseOrWarn
    extended_support: Action
    root: Action


@dataclass(frozen=True, slots=True)
class Deploy:
    """What a digest must meet that this namespace has not run lately."""

    mode: Mode
    scan_max_age_days: Annotated[int, Between(1, 90)]
    feed_max_age_hours: Annotated[int, Between(1, 2160)]
    frozen_feed: RefuseOrAccept
    findings: Findings
    root: RefuseOrWarn


@dataclass(frozen=True, slots=True)
class Restart:
    """What a digest must meet that this namespace ran within ``window_days``.

    Revoked, suspended, and past the due date of a known exploited vulnerability: always refused.
    """

    window_days: Annotated[int, Between(0, 90)]  # 0: no restart rule
    expired_certificate: RefuseOrWarn
    findings: RefuseOrWarn
    scanned: RefuseOrWarn
    root: RefuseOrWarn


@dataclass(frozen=True, slots=True)
class ModeChecks:
    """One row of the table "which checks a mode asks for": whose fact each check reads."""

    reference: OfImage
    registry: OfImage
    known: OfImage
    scanned: OfImage
    findings: OfImage
    signed: OfImageOrBase
    approved: OfImageOrBase
    root: OfPod


@dataclass(frozen=True, slots=True)
class Modes:
    """The table for the three modes. What each name promises about approval is not negotiable."""

    certified_only: Annotated[ModeChecks, Key("certified-only")]
    certified_base: Annotated[ModeChecks, Key("certified-base")]
    trusted_any: Annotated[ModeChecks, Key("trusted-any")]

    def of(self, mode: Mode) -> ModeChecks:
        """The row of ``mode``."""
        match mode:
            case Mode.CERTIFIED_ONLY:
                return self.certified_only
            case Mode.CERTIFIED_BASE:
                return self.certified_base
            case Mode.TRUSTED_ANY:
                return self.trusted_any
        assert_never(mode)


@dataclass(frozen=True, slots=True)
class PolicyDocument:
    """One complete policy. Build it with ``from_json``; ``to_json`` gives back the same JSON."""

    schema: Annotated[str, OneOf((SCHEMA,))]
    name: str
    is_demo: bool
    certify: Certify
    deploy: Deploy
    restart: Restart
    modes: Modes
    # The one key that may be left out: a policy that denies nothing reads, and is hashed, as before there was a list.
    denied_bases: Annotated[tuple[DeniedBase, ...], LeftOutWhenEmpty()] = ()

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Read ``value``. Raises MalformedPolicy naming every wrong place by JSON pointer."""
        wrong: list[FieldError] = []
        document = _read_object(cls, value, "", wrong)
        if not wrong:
            wrong.extend(_contradictions(document))
        if wrong:
            raise MalformedPolicy(
                "; ".join(f"{row.pointer or '/'}: {row.detail}" for row in wrong),
                cure="Compare it with docs/reference/policy.md: every key is written, no other is allowed.",
                errors=wrong,
            )
        return cast(Self, document)

    def to_json(self) -> dict[str, Any]:
        """The document as JSON values; ``from_json`` of it is equal to this."""
        return cast(dict[str, Any], _write(self))

    @property
    def sha256(self) -> str:
        """Hex SHA-256 over the canonical JSON (RFC 8785): what certificates and decisions name."""
        return sha256_of(self.to_json())


def _contradictions(document: PolicyDocument) -> list[FieldError]:
    """What each key allows alone and all of them together do not."""
    wrong: list[FieldError] = []
    promised = {
        "certified-only": (document.modes.certified_only, Of.IMAGE),
        "certified-base": (document.modes.certified_base, Of.BASE),
    }
    for key, (row, of) in promised.items():
        if row.approved != of or row.signed != of:
            detail = f'asks "approved" and "signed" of the {of}, as its name says'
            wrong.append(FieldError(f"/modes/{key}", "mode_misnamed", detail))
    accepts_frozen = Action.ACCEPT in (document.certify.frozen_feed, document.deploy.frozen_feed)
    if accepts_frozen and not document.is_demo:
        detail = "only a demo policy (is_demo: true) accepts a feed that stands still"
        wrong.append(FieldError("/certify/frozen_feed", "demo_only", detail))
    return wrong


def _hints(kind: type) -> dict[str, tuple[Any, str, tuple[Any, ...]]]:
    """Each field of ``kind`` by its JSON key: its type, its Python name, its rules."""
    found: dict[str, tuple[Any, str, tuple[Any, ...]]] = {}
    for name, hint in get_type_hints(kind, include_extras=True).items():
        is_ruled = get_origin(hint) is Annotated
        base, rules = (get_args(hint)[0], get_args(hint)[1:]) if is_ruled else (hint, ())
        key = next((rule.name for rule in rules if isinstance(rule, Key)), name)
        found[key] = (base, name, rules)
    return found


def _write(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return {
            key: _write(getattr(value, name))
            for key, (_, name, rules) in _hints(type(value)).items()
            if getattr(value, name) or LeftOutWhenEmpty() not in rules
        }
    if isinstance(value, tuple):
        return [_write(item) for item in value]
    return str(value) if isinstance(value, StrEnum) else value


def _read_object(kind: type, value: Any, pointer: str, wrong: list[FieldError]) -> Any:
    if not isinstance(value, Mapping):
        wrong.append(FieldError(pointer, "wrong_type", "must be an object"))
        return None
    hints = _hints(kind)
    for key in value:
        if key not in hints:
            escaped = str(key).replace("~", "~0").replace("/", "~1")
            wrong.append(FieldError(f"{pointer}/{escaped}", "unknown_key", "is no key of a policy"))
    read: dict[str, Any] = {}
    for key, (hint, name, rules) in hints.items():
        if key not in value and LeftOutWhenEmpty() in rules:
            read[name] = ()
            continue
        if key not in value:
            wrong.append(FieldError(f"{pointer}/{key}", "missing_key", "must be written"))
            continue
        read[name] = _read_value(hint, rules, value[key], f"{pointer}/{key}", wrong)
    return kind(**read) if len(read) == len(hints) else None


def _read_value(hint: Any, rules: tuple[Any, ...], value: Any, pointer: str, wrong: list[FieldError]) -> Any:
    if dataclasses.is_dataclass(hint):
        return _read_object(cast(type, hint), value, pointer, wrong)
    if LeftOutWhenEmpty() in rules:
        return read_denied(value, pointer, wrong)
    words = next((rule.words for rule in rules if isinstance(rule, OneOf)), ())
    if get_origin(hint) is tuple:
        return _read_words(words, value, pointer, wrong)
    if issubclass(hint, StrEnum):
        allowed = tuple(str(word) for word in words or tuple(hint))
        if not isinstance(value, str) or value not in allowed:
            wrong.append(FieldError(pointer, "not_allowed", f"must be one of {', '.join(allowed)}"))
            return None
        return hint(value)
    # JSON's true is no number, although Python's is.
    if type(value) is not hint:
        word = {bool: "true or false", int: "a whole number", str: "a text"}[hint]
        wrong.append(FieldError(pointer, "wrong_type", f"must be {word}"))
        return None
    return _read_scalar(rules, value, pointer, wrong)


def _read_scalar(rules: tuple[Any, ...], value: Any, pointer: str, wrong: list[FieldError]) -> Any:
    if isinstance(value, str) and not 1 <= len(value) <= MAX_NAME_LENGTH:
        wrong.append(FieldError(pointer, "out_of_range", f"must have 1 to {MAX_NAME_LENGTH} characters"))
    for rule in rules:
        match rule:
            case Between(low, high) if not low <= value <= high:
                wrong.append(FieldError(pointer, "out_of_range", f"must be from {low} to {high}"))
            case OneOf(words) if value not in words:
                wrong.append(FieldError(pointer, "not_allowed", f"must be {' or '.join(words)}"))
    return value


def _read_words(allowed: tuple[str, ...], value: Any, pointer: str, wrong: list[FieldError]) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        wrong.append(FieldError(pointer, "wrong_type", "must be a list that is not empty"))
        return ()
    for index, word in enumerate(value):
        if word not in allowed:
            wrong.append(FieldError(f"{pointer}/{index}", "not_allowed", f"must be one of {', '.join(allowed)}"))
    if len({str(word) for word in value}) != len(value):
        wrong.append(FieldError(pointer, "doubled", "must not name one twice"))
    return tuple(str(word) for word in value)


_TABLE = {
    "reference": "image",
    "registry": "image",
    "known": "image",
    "scanned": "image",
    "findings": "image",
    "root": "pod",
}

# The default policy, written out (design §4).
DEFAULT_JSON: dict[str, Any] = {
    "schema": SCHEMA,
    "name": "default",
    "is_demo": False,
    "certify": {
        "reviewers": 2,
        "reviewer_roles": ["reviewer", "security_reviewer"],
        "certificate_days": 90,
        "scan_max_age_days": 7,
        "feed_max_age_hours": 48,
        "known_exploited_feed_max_age_days": 7,
        "end_of_life_feed_max_age_days": 120,
        "frozen_feed": "refuse",
        "findings": {
            "known_exploited": "refuse",
            "fixable_grace_days": {"critical": 0, "high": 0, "medium": 14, "low": 14, "unknown": 14},
            # Counted on the packet and accepted by the reviewers' signatures.
            "unfixed": "accept",
        },
        "end_of_life": "refuse",
        "extended_support": "warn",
        # Stated, not refused: whether a Pod runs as root is a fact of the Pod.
        "root": "warn",
    },
    "deploy": {
        "mode": "certified-base",
        "scan_max_age_days": 14,
        "feed_max_age_hours": 168,
        "frozen_feed": "refuse",
        "findings": {
            "known_exploited": "refuse",
            "fixable_grace_days": {"critical": 14, "high": 14, "medium": 14, "low": 14, "unknown": 14},
            "unfixed": "accept",
        },
        "root": "refuse",
    },
    "restart": {
        "window_days": 30,
        "expired_certificate": "warn",
        "findings": "warn",
        "scanned": "warn",
        "root": "refuse",
    },
    "modes": {
        "certified-only": {**_TABLE, "signed": "image", "approved": "image"},
        "certified-base": {**_TABLE, "signed": "base", "approved": "base"},
        "trusted-any": {**_TABLE, "signed": "nobody", "approved": "nobody"},
    },
}

# The same for a demonstration whose advisories stand still at a past date.
DEMO_JSON: dict[str, Any] = {
    **DEFAULT_JSON,
    "name": "demo",
    "is_demo": True,
    "certify": {**DEFAULT_JSON["certify"], "frozen_feed": "accept"},
    "deploy": {**DEFAULT_JSON["deploy"], "frozen_feed": "accept"},
}

DEFAULT = PolicyDocument.from_json(DEFAULT_JSON)
DEMO = PolicyDocument.from_json(DEMO_JSON)
