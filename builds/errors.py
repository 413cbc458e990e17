"""What builds refuse, each named for the fact."""

from typing import ClassVar

from core.errors import GoldgateError, Kind


class SourceMissing(GoldgateError):
    """There is no such source."""

    code: ClassVar[str] = "source_missing"
    kind: ClassVar[Kind] = Kind.MISSING


class RecipeMissing(GoldgateError):
    """There is no such recipe."""

    code: ClassVar[str] = "recipe_missing"
    kind: ClassVar[Kind] = Kind.MISSING


class BuildMissing(GoldgateError):
    """There is no such build."""

    code: ClassVar[str] = "build_missing"
    kind: ClassVar[Kind] = Kind.MISSING


class DockerfileMalformed(GoldgateError):
    """The text is no Dockerfile that BuildKit would build, or larger than is read here. ``line`` counts from 1."""

    code: ClassVar[str] = "dockerfile_malformed"
    kind: ClassVar[Kind] = Kind.MALFORMED

    def __init__(self, detail: str, *, line: int | None = None, cure: str = "") -> None:
        super().__init__(detail if line is None else f"Line {line}: {detail}", cure=cure)
        self.line = line


class ParserFailed(GoldgateError):
    """The parser's process ended without an answer."""

    code: ClassVar[str] = "dockerfile_parser_failed"
    kind: ClassVar[Kind] = Kind.UNAVAILABLE


class BuiltElsewhere(GoldgateError):
    """A pipeline elsewhere builds this source and submits what it built; nothing is built here."""

    code: ClassVar[str] = "built_elsewhere"
    kind: ClassVar[Kind] = Kind.CONFLICT


class SourcePaused(GoldgateError):
    """The source is paused: nothing is built from it."""

    code: ClassVar[str] = "source_paused"
    kind: ClassVar[Kind] = Kind.CONFLICT


class BuildsTooOften(GoldgateError):
    """The same was built too often within a day: something is wrong that building again does not mend."""

    code: ClassVar[str] = "builds_too_often"
    kind: ClassVar[Kind] = Kind.CONFLICT


class NothingToReproduce(GoldgateError):
    """The build left no candidate that a second one could be compared with."""

    code: ClassVar[str] = "nothing_to_reproduce"
    kind: ClassVar[Kind] = Kind.CONFLICT


class BuildOutputMissing(GoldgateError):
    """What the builder made is no longer where it was left."""

    code: ClassVar[str] = "build_output_missing"
    kind: ClassVar[Kind] = Kind.MISSING


class LayersRefused(GoldgateError):
    """An image's layers cannot be read to their end, or pass a limit: nothing is known of its files."""

    code: ClassVar[str] = "layers_refused"
    kind: ClassVar[Kind] = Kind.REFUSED


class SourceInvalid(GoldgateError):
    """A source's fields do not fit; ``errors`` names each."""

    code: ClassVar[str] = "source_invalid"
    kind: ClassVar[Kind] = Kind.MALFORMED


class SourceTaken(GoldgateError):
    """Another source has this name, or builds this version already."""

    code: ClassVar[str] = "source_taken"
    kind: ClassVar[Kind] = Kind.CONFLICT


class SourceRefused(GoldgateError):
    """What the repository holds, or how it answers, is not taken."""

    code: ClassVar[str] = "source_refused"


class SourceUnavailable(GoldgateError):
    """The repository does not answer; another try may help."""

    code: ClassVar[str] = "source_unavailable"
    kind: ClassVar[Kind] = Kind.UNAVAILABLE


class CommitUnsigned(GoldgateError):
    """The source asks for a commit that is signed by somebody it lists, and this one is not."""

    code: ClassVar[str] = "commit_unsigned"


class ContextDamaged(GoldgateError):
    """The kept context is not the one that the recipe names."""

    code: ClassVar[str] = "context_damaged"


class NothingToCompare(GoldgateError):
    """One of the two is no image: nothing in it runs."""

    code: ClassVar[str] = "nothing_to_compare"
    kind: ClassVar[Kind] = Kind.CONFLICT


class WatchMissing(GoldgateError):
    """There is no such watch."""

    code: ClassVar[str] = "watch_missing"
    kind: ClassVar[Kind] = Kind.MISSING


class WatchExists(GoldgateError):
    """The tag is followed for that version already."""

    code: ClassVar[str] = "watch_exists"
    kind: ClassVar[Kind] = Kind.CONFLICT


class WatchGoesOn(GoldgateError):
    """The watch is in another state than this needs: stopped, paused, or not stopped."""

    code: ClassVar[str] = "watch_state"
    kind: ClassVar[Kind] = Kind.CONFLICT


class WatchTimerWrong(GoldgateError):
    """A tag is not looked at that often, or that seldom."""

    code: ClassVar[str] = "watch_timer_wrong"
    kind: ClassVar[Kind] = Kind.MALFORMED


class WatchWithoutTag(GoldgateError):
    """The reference names no tag that could move."""

    code: ClassVar[str] = "watch_without_tag"
    kind: ClassVar[Kind] = Kind.MALFORMED


class WaveMissing(GoldgateError):
    """There is no such wave."""

    code: ClassVar[str] = "wave_missing"
    kind: ClassVar[Kind] = Kind.MISSING


class InventoryOutstanding(GoldgateError):
    """The inventory of what was built is not made yet; who built it is written down with it."""

    code: ClassVar[str] = "inventory_outstanding"
    kind: ClassVar[Kind] = Kind.UNAVAILABLE


class ProvenanceMissing(GoldgateError):
    """Nobody here knows who built it."""

    code: ClassVar[str] = "provenance_missing"
    kind: ClassVar[Kind] = Kind.MISSING


class DriftMissing(GoldgateError):
    """There is no such alarm."""

    code: ClassVar[str] = "drift_missing"
    kind: ClassVar[Kind] = Kind.MISSING


class DriftClosed(GoldgateError):
    """The alarm is closed already."""

    code: ClassVar[str] = "drift_closed"
    kind: ClassVar[Kind] = Kind.CONFLICT


class DriftUnexplained(GoldgateError):
    """An alarm is closed with a reason in words."""

    code: ClassVar[str] = "reason_missing"
    kind: ClassVar[Kind] = Kind.MALFORMED


class CertifiedSideSilent(GoldgateError):
    """A registry of the certified side could not be asked: what stands there is not known."""

    code: ClassVar[str] = "certified_side_silent"
    kind: ClassVar[Kind] = Kind.UNAVAILABLE


class SourceNamedByWaiver(GoldgateError):
    """A waiver reaches the source by its name; renamed, the next source of that name would inherit it."""

    code: ClassVar[str] = "source_named_by_waiver"
    kind: ClassVar[Kind] = Kind.CONFLICT


class UpstreamNotListed(GoldgateError):
    """The registry that the image comes from is not listed here, or not trusted."""

    code: ClassVar[str] = "upstream_not_listed"
    kind: ClassVar[Kind] = Kind.CONFLICT


class NoImageToAdopt(GoldgateError):
    """A host system is recorded by release and checksum; a note is read."""

    code: ClassVar[str] = "no_image_to_adopt"
    kind: ClassVar[Kind] = Kind.CONFLICT


class IssuerUnavailable(GoldgateError):
    """The keys of a pipeline's issuer cannot be had now, and those that are kept are too old to be believed."""

    code: ClassVar[str] = "issuer_unavailable"
    kind: ClassVar[Kind] = Kind.UNAVAILABLE


class PipelineInvalid(GoldgateError):
    """A pipeline cannot be trusted like this; ``errors`` names each wrong field."""

    code: ClassVar[str] = "pipeline_invalid"
    kind: ClassVar[Kind] = Kind.MALFORMED


class PipelineExists(GoldgateError):
    """The source trusts exactly this pipeline already."""

    code: ClassVar[str] = "pipeline_exists"
    kind: ClassVar[Kind] = Kind.CONFLICT


class PipelineMissing(GoldgateError):
    """There is no such pipeline."""

    code: ClassVar[str] = "pipeline_missing"
    kind: ClassVar[Kind] = Kind.MISSING


class SubmissionRefused(GoldgateError):
    """What a trusted pipeline submitted does not hold; ``errors`` names why."""

    code: ClassVar[str] = "submission_refused"
    kind: ClassVar[Kind] = Kind.REFUSED


class BaseNotCertified(GoldgateError):
    """An image that was submitted stands on nothing that is certified."""

    code: ClassVar[str] = "base_not_certified"
    kind: ClassVar[Kind] = Kind.REFUSED
