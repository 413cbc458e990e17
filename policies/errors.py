"""What policies refuse."""

from typing import ClassVar

from core.errors import GoldgateError, Kind


class DemoPolicy(GoldgateError):
    """A policy that accepts advisories which stand still is for demonstrations alone."""

    code: ClassVar[str] = "demo_policy"
    kind: ClassVar[Kind] = Kind.REFUSED


class NotPolicyAdmin(GoldgateError):
    """Only a platform admin adopts a policy."""

    code: ClassVar[str] = "role_missing"
    kind: ClassVar[Kind] = Kind.REFUSED


class GrantMissing(GoldgateError):
    """There is no such grant."""

    code: ClassVar[str] = "grant_missing"
    kind: ClassVar[Kind] = Kind.MISSING


class BadScope(GoldgateError):
    """A grant reaches one version, one source or one digest, named exactly."""

    code: ClassVar[str] = "bad_scope"
    kind: ClassVar[Kind] = Kind.MALFORMED


class BadRule(GoldgateError):
    """No check has that id."""

    code: ClassVar[str] = "bad_rule"
    kind: ClassVar[Kind] = Kind.MALFORMED


class BadEnd(GoldgateError):
    """A grant ends, and not later than 180 days after it was asked for."""

    code: ClassVar[str] = "bad_end"
    kind: ClassVar[Kind] = Kind.MALFORMED


class GrantAsked(GoldgateError):
    """The same grant waits for its answer already."""

    code: ClassVar[str] = "grant_asked"
    kind: ClassVar[Kind] = Kind.CONFLICT


class GrantClosed(GoldgateError):
    """The grant takes no more of this."""

    code: ClassVar[str] = "grant_closed"
    kind: ClassVar[Kind] = Kind.CONFLICT
