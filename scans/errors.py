"""Why something about scans and feeds is refused. Each names the fact and the cure."""

from typing import ClassVar

from core.errors import GoldgateError, Kind
from scans.domain.scan_state import Cause


class ScannerError(GoldgateError):
    """The scanner gave no report that counts. ``cause`` is the code that the scan keeps."""

    code: ClassVar[str] = "scanner_failed"
    kind: ClassVar[Kind] = Kind.CONFLICT
    cause: ClassVar[Cause] = Cause.SCANNER_FAILED


class ScannerUnavailable(ScannerError):
    """The scanner cannot be started here."""

    code: ClassVar[str] = "scanner_unavailable"
    kind: ClassVar[Kind] = Kind.UNAVAILABLE
    cause: ClassVar[Cause] = Cause.SCANNER_UNAVAILABLE


class ScannerTimedOut(ScannerError):
    """It did not end in its time, and was stopped with everything it had started."""

    code: ClassVar[str] = "scanner_timed_out"
    cause: ClassVar[Cause] = Cause.SCANNER_TIMED_OUT


class ScannerFailed(ScannerError):
    """It ended with an error."""


class ReportMissing(ScannerError):
    """It ended well and left no report."""

    code: ClassVar[str] = "report_missing"
    cause: ClassVar[Cause] = Cause.REPORT_MISSING


class ReportTooLarge(ScannerError):
    """Its report is larger than is read."""

    code: ClassVar[str] = "report_too_large"
    cause: ClassVar[Cause] = Cause.REPORT_TOO_LARGE


class ReportUnreadable(ScannerError):
    """Its report is not one, or not whole."""

    code: ClassVar[str] = "report_malformed"
    cause: ClassVar[Cause] = Cause.REPORT_MALFORMED


class OtherImageReported(ScannerError):
    """Its report is about another image."""

    code: ClassVar[str] = "report_of_other_image"
    cause: ClassVar[Cause] = Cause.REPORT_OF_OTHER_IMAGE


class NotInventoried(GoldgateError):
    """Nobody has looked into this artifact yet, or nobody could."""

    code: ClassVar[str] = "not_inventoried"
    kind: ClassVar[Kind] = Kind.MISSING


class NotScannable(GoldgateError):
    """An artifact that nothing could run: an attestation, a chart."""

    code: ClassVar[str] = "not_scannable"
    kind: ClassVar[Kind] = Kind.CONFLICT


class FeedMissing(GoldgateError):
    """No such feed."""

    code: ClassVar[str] = "feed_missing"
    kind: ClassVar[Kind] = Kind.MISSING


class FeedNameTaken(GoldgateError):
    """Another feed has the name."""

    code: ClassVar[str] = "feed_name_taken"
    kind: ClassVar[Kind] = Kind.CONFLICT


class FeedMalformed(GoldgateError):
    """The feed's definition is wrong."""

    code: ClassVar[str] = "feed_malformed"
    kind: ClassVar[Kind] = Kind.MALFORMED


class FeedHasNoUrl(GoldgateError):
    """A feed of imported files cannot be synced by itself."""

    code: ClassVar[str] = "feed_has_no_url"
    kind: ClassVar[Kind] = Kind.CONFLICT


class FeedUnavailable(GoldgateError):
    """Its publisher does not answer, or answers that it cannot now. Trying again may help."""

    code: ClassVar[str] = "feed_unavailable"
    kind: ClassVar[Kind] = Kind.UNAVAILABLE


class FeedAddressRefused(GoldgateError):
    """Its address is one that we must not connect to."""

    code: ClassVar[str] = "feed_address_refused"
    kind: ClassVar[Kind] = Kind.REFUSED


class FeedContentsRefused(GoldgateError):
    """What came is not what the feed should hold, or far less of it."""

    code: ClassVar[str] = "feed_contents_refused"
    kind: ClassVar[Kind] = Kind.MALFORMED


class FeedTooLarge(FeedContentsRefused):
    """More bytes, records or expansion than is read."""

    code: ClassVar[str] = "feed_too_large"


class SnapshotTimeMissing(GoldgateError):
    """Nobody states from when the contents are."""

    code: ClassVar[str] = "snapshot_time_missing"
    kind: ClassVar[Kind] = Kind.MALFORMED


class SnapshotRefused(GoldgateError):
    """The stated time cannot be believed, or goes back."""

    code: ClassVar[str] = "snapshot_refused"
    kind: ClassVar[Kind] = Kind.CONFLICT


class SbomAttestationRefused(GoldgateError):
    """An attestation of an inventory that does not count. ``errors`` has the reason's own code."""

    code: ClassVar[str] = "sbom_attestation_refused"
    kind: ClassVar[Kind] = Kind.CONFLICT  # of trust in its signer, of the image's place, or of its bytes


class SbomAttestationMissing(GoldgateError):
    """No such attestation of this image."""

    code: ClassVar[str] = "sbom_attestation_missing"
    kind: ClassVar[Kind] = Kind.MISSING


class SignerInvalid(GoldgateError):
    """A signer's key, name or scope that cannot be used."""

    code: ClassVar[str] = "inventory_signer_invalid"
    kind: ClassVar[Kind] = Kind.MALFORMED


class SignerExists(GoldgateError):
    """Another signer has the name, or the key."""

    code: ClassVar[str] = "inventory_signer_exists"
    kind: ClassVar[Kind] = Kind.CONFLICT


class SignerMissing(GoldgateError):
    """No such signer."""

    code: ClassVar[str] = "inventory_signer_missing"
    kind: ClassVar[Kind] = Kind.MISSING


class SignerEnded(GoldgateError):
    """It was ended before."""

    code: ClassVar[str] = "inventory_signer_ended"
    kind: ClassVar[Kind] = Kind.CONFLICT
