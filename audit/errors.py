"""Refusals of the record's own parts."""

from typing import ClassVar

from core.errors import GoldgateError, Kind


class KeyUnreadable(GoldgateError):
    """The checkpoint key is not there, not ours to read, or readable by others."""

    code: ClassVar[str] = "audit_key_unreadable"
    kind: ClassVar[Kind] = Kind.UNAVAILABLE


class SinkUnavailable(GoldgateError):
    """The outside sink did not take a checkpoint; it is tried again."""

    code: ClassVar[str] = "audit_sink_unavailable"
    kind: ClassVar[Kind] = Kind.UNAVAILABLE


class SinkDisagrees(GoldgateError):
    """The sink already holds another checkpoint for that number: this record is not the one it came from."""

    code: ClassVar[str] = "audit_sink_disagrees"
    kind: ClassVar[Kind] = Kind.CONFLICT


class RecordMissing(GoldgateError):
    """No such record."""

    code: ClassVar[str] = "record_missing"
    kind: ClassVar[Kind] = Kind.MISSING
