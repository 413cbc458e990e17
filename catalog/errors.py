"""What the catalog refuses."""

from typing import ClassVar

from core.errors import GoldgateError, Kind


class BadName(GoldgateError):
    """The name could not stand in a reference."""

    code: ClassVar[str] = "bad_name"
    kind: ClassVar[Kind] = Kind.MALFORMED


class NameTaken(GoldgateError):
    """Another one is called so."""

    code: ClassVar[str] = "name_taken"
    kind: ClassVar[Kind] = Kind.CONFLICT


class DigestTaken(GoldgateError):
    """The digest is a subversion already; one digest has one place in the catalog."""

    code: ClassVar[str] = "digest_taken"
    kind: ClassVar[Kind] = Kind.CONFLICT


class NotRunnable(GoldgateError):
    """The artifact is no image and no index of images."""

    code: ClassVar[str] = "not_runnable"
    kind: ClassVar[Kind] = Kind.REFUSED


class NoSuchImage(GoldgateError):
    """No image, version or subversion is called so."""

    code: ClassVar[str] = "no_such_image"
    kind: ClassVar[Kind] = Kind.MISSING


class IllegalStep(GoldgateError):
    """The state does not lead there."""

    code: ClassVar[str] = "illegal_step"
    kind: ClassVar[Kind] = Kind.CONFLICT


class DefinitionMalformed(GoldgateError):
    """A definition says something that is not known, or does not say what it must; file and field are named."""

    code: ClassVar[str] = "definition_malformed"
    kind: ClassVar[Kind] = Kind.MALFORMED


class DefinitionMissing(GoldgateError):
    """The starter set has nothing of that name, or no such version of it."""

    code: ClassVar[str] = "definition_missing"
    kind: ClassVar[Kind] = Kind.MISSING


class HostSystemWrong(GoldgateError):
    """A host system is named by its release, architecture and checksum; ``errors`` names the field."""

    code: ClassVar[str] = "host_system_wrong"
    kind: ClassVar[Kind] = Kind.MALFORMED


class HostSystemTaken(GoldgateError):
    """That release is recorded already, for that architecture; what was recorded is not changed."""

    code: ClassVar[str] = "host_system_taken"
    kind: ClassVar[Kind] = Kind.CONFLICT


class HostSystemMissing(GoldgateError):
    """There is no such host system."""

    code: ClassVar[str] = "host_system_missing"
    kind: ClassVar[Kind] = Kind.MISSING
