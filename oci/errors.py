"""What can be wrong with text and bytes that claim to be OCI. Each names the field and the cure."""

from core.errors import GoldgateError, Kind


class MalformedDigest(GoldgateError):
    """Not ``sha256:`` or ``sha512:`` with its full length of lower-case hex."""

    code = "digest_malformed"
    kind = Kind.MALFORMED


class MalformedReference(GoldgateError):
    """Not an image reference by the grammar of distribution/reference."""

    code = "reference_malformed"
    kind = Kind.MALFORMED


class ReferenceNotCanonical(MalformedReference):
    """Readable, but written in a short or second form; two programs may read it differently."""

    code = "reference_not_canonical"


class MalformedPlatform(GoldgateError):
    """Not ``os/architecture[/variant]``."""

    code = "platform_malformed"
    kind = Kind.MALFORMED


class MalformedDocument(GoldgateError):
    """A manifest, index or configuration that programs could read in different ways, or not at all."""

    code = "document_malformed"
    kind = Kind.MALFORMED


class DocumentTooLarge(MalformedDocument):
    """Over the cap; refused before it is parsed."""

    code = "document_too_large"


class UnsupportedMediaType(MalformedDocument):
    """A kind of document that we do not read, Docker's schema 1 above all."""

    code = "media_type_unsupported"


class ForeignLayer(MalformedDocument):
    """A layer whose bytes live at a URL of the manifest's choosing."""

    code = "layer_foreign"
