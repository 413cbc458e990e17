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
