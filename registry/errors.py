"""Why something about registries is refused. Each names the field and the cure."""

from core.errors import GoldgateError, Kind


class RegistryUnavailable(GoldgateError):
    """It does not answer, or answers that it cannot now. Trying again may help."""

    code = "registry_unavailable"
    kind = Kind.UNAVAILABLE

    def __init__(self, detail: str, *, cure: str = "", retry_after_seconds: float | None = None) -> None:
        super().__init__(detail, cure=cure or "It is tried again by itself; see whether the registry is up.")
        self.retry_after_seconds = retry_after_seconds


class RegistryRefused(GoldgateError):
    """It answers, and says no: sign-in or permission."""

    code = "registry_refused"
    kind = Kind.REFUSED


class RegistryMisbehaved(GoldgateError):
    """It answers what no registry may answer: another body than asked for, no end, a loop."""

    code = "registry_misbehaved"
    kind = Kind.REFUSED

    def __init__(self, detail: str, *, cure: str = "") -> None:
        super().__init__(detail, cure=cure or "Nothing was kept. If it happens again, ask who runs the registry.")


class AddressRefused(GoldgateError):
    """The address is one that we must not connect to."""

    code = "address_refused"
    kind = Kind.REFUSED


class NotInRegistry(GoldgateError):
    """The registry answers, and has no such thing."""

    code = "not_in_registry"
    kind = Kind.MISSING


class DigestMismatch(RegistryMisbehaved):
    """The bytes are not those that the digest names."""

    code = "digest_mismatch"


class CertificateRefused(RegistryMisbehaved):
    """Its TLS certificate is not one that we accept. Trying again does not help."""

    code = "certificate_refused"


class BodyTooLarge(RegistryMisbehaved):
    """More bytes than announced or allowed; reading stopped there."""

    code = "body_too_large"


class BlobMissing(GoldgateError):
    """The bytes are not in our store."""

    code = "blob_missing"
    kind = Kind.MISSING


class LayerNotAsClaimed(GoldgateError):
    """A layer whose uncompressed bytes are not what the configuration claims, or cannot be unpacked."""

    code = "layer_not_as_claimed"
    kind = Kind.MALFORMED


class MalformedArchive(GoldgateError):
    """Not an OCI archive that we read."""

    code = "archive_malformed"
    kind = Kind.MALFORMED


class ArchiveNeedsChoice(MalformedArchive):
    """The archive holds several images and none was named."""

    code = "archive_needs_choice"


class PlatformMissing(GoldgateError):
    """A platform was asked for that the image does not have."""

    code = "platform_missing"
    kind = Kind.MALFORMED


class RegistryUnknown(GoldgateError):
    """No registry of that host is listed; images come only from listed ones."""

    code = "registry_unknown"
    kind = Kind.MISSING


class ArtifactUnknown(GoldgateError):
    """No artifact with that digest is known."""

    code = "artifact_unknown"
    kind = Kind.MISSING


class ImportUnknown(GoldgateError):
    """No import with that id."""

    code = "import_unknown"
    kind = Kind.MISSING


class RegistryInvalid(GoldgateError):
    """A registry's settings that do not fit together."""

    code = "registry_invalid"
    kind = Kind.MALFORMED


class RegistryTaken(GoldgateError):
    """Another registry has that name or place."""

    code = "registry_taken"
    kind = Kind.CONFLICT


class TagMoved(GoldgateError):
    """What the registry says now is not what it said when the import was asked."""

    code = "tag_moved"
    kind = Kind.CONFLICT


class CredentialsUnreadable(GoldgateError):
    """The stored password cannot be read with the key that this process has."""

    code = "credentials_unreadable"
    kind = Kind.CONFLICT


class ImportListWrong(GoldgateError):
    """A list of references with lines that cannot be asked."""

    code = "import_list_wrong"
    kind = Kind.MALFORMED
