"""Why a signature could not be made, sent or believed."""

from core.errors import GoldgateError, Kind


class SignerUnavailable(GoldgateError):
    """The process has no readable signing key; the job is tried again."""

    code = "signer_unavailable"
    kind = Kind.UNAVAILABLE


class KeyRetired(GoldgateError):
    """The signer holds a key that is retired or was never registered; a person must act."""

    code = "key_retired"
    kind = Kind.CONFLICT


class KeyExists(GoldgateError):
    """There is a key already, in the file or in use."""

    code = "key_exists"
    kind = Kind.CONFLICT


class KeyMissing(GoldgateError):
    """No key of that id."""

    code = "signing_key_missing"
    kind = Kind.MISSING


class SignatureInvalid(GoldgateError):
    """The bytes are no signature of ours over this digest and repository."""

    code = "signature_invalid"
    kind = Kind.REFUSED


class PublicationClosed(GoldgateError):
    """The publication is withdrawn or not at this step."""

    code = "publication_closed"
    kind = Kind.CONFLICT


class TargetNotCertifiedSide(GoldgateError):
    """The repository is not on the certified side."""

    code = "target_not_certified_side"
    kind = Kind.REFUSED


class NotAuthorised(GoldgateError):
    """Nothing stands behind the publication: no certification with its reviews, no build of ours that ended well."""

    code = "publication_not_authorised"
    kind = Kind.REFUSED
