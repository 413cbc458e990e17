"""What runs a Dockerfile. Only the builder process does, and only through these."""

from builds.adapters.builders.buildah import BuildahBuilder
from builds.adapters.builders.buildkit import BuildKitBuilder
from builds.adapters.builders.interface import Builder, BuilderUnavailable
from builds.models import Source

__all__ = ["builder_for"]


def builder_for(source: Source) -> Builder:
    """The builder that a source names. Raises BuilderUnavailable."""
    match source.builder:
        case Source.Builder.BUILDAH:
            return BuildahBuilder()
        case Source.Builder.BUILDKIT:
            return BuildKitBuilder()
        case _:
            raise BuilderUnavailable(f"{source} is built by a pipeline elsewhere; nothing is built here.")
