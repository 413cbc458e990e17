"""What a grant may be about, and how long it may last.

- A *waiver* lets one check (its stable id) fail for one version of an image, one source, or one digest.
- It ends: at most 180 days after it was asked for.
- It holds in ``[starts_at, ends_at)`` (``core.validity``) and never before another person gave it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from core.validity import is_in_force

MAX_DAYS = 180
EXPIRING_DAYS = 14  # how long before its end a grant is told as expiring
# Ours (GG1001), hadolint's (DL3008) and, through it, ShellCheck's (SC2086).
RULE_ID = r"^(GG|DL|SC)[0-9]{4}$"
# That no inventory of an image could be made or proven: scratch, static and BusyBox images have no package database.
INVENTORY_RULE = "GG3001"


class GrantState(StrEnum):
    """Where a grant stands at a moment."""

    ASKED = "asked"
    LAPSED = "lapsed"  # its end came before anybody answered
    REFUSED = "refused"
    IN_FORCE = "in_force"
    EXPIRING = "expiring"  # in force, for at most 14 days more
    ENDED = "ended"  # taken back before its time
    EXPIRED = "expired"

    @property
    def is_open(self) -> bool:
        """Whether it lets something pass, or may yet."""
        return self in (GrantState.ASKED, GrantState.IN_FORCE, GrantState.EXPIRING)


class GrantFacts(Protocol):
    """What a grant's state follows from."""

    @property
    def starts_at(self) -> datetime | None: ...

    @property
    def ends_at(self) -> datetime: ...

    @property
    def refused_at(self) -> datetime | None: ...

    @property
    def ended_at(self) -> datetime | None: ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where a check failed: everything that a waiver's scope may name."""

    version: str = ""  # "debian/12"
    source: str = ""
    digests: tuple[str, ...] = ()

    def scopes(self) -> Iterable[tuple[str, str]]:
        """Each scope that reaches this place, as kind and name."""
        if self.version:
            yield "version", self.version
        if self.source:
            yield "source", self.source
        for digest in self.digests:
            yield "digest", digest


def state_at(grant: GrantFacts, at: datetime) -> GrantState:
    """Where ``grant`` stands at ``at``. Stored nowhere: it follows from what happened and from the clock."""
    if grant.refused_at is not None:
        return GrantState.REFUSED
    if grant.starts_at is None:
        return GrantState.LAPSED if at >= grant.ends_at else GrantState.ASKED
    if is_in_force(grant, at):
        return GrantState.EXPIRING if grant.ends_at - at <= timedelta(days=EXPIRING_DAYS) else GrantState.IN_FORCE
    if grant.ended_at is not None:
        return GrantState.ENDED
    return GrantState.EXPIRED


def is_rule_id(text: str) -> bool:
    """Whether ``text`` can be the stable id of a check."""
    return re.fullmatch(RULE_ID[1:-1], text) is not None
