"""The images that a recipe's bases stand for: at hand before a build, and still under what was built after it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from builds.adapters.builders.interface import BuilderFailed
from builds.domain.platforms import in_words, missing, normal
from builds.models import Recipe
from registry import selectors as registry
from registry.models import Artifact
from registry.selectors import artifact_by_id, runnable_images
from registry.services import configs_in_archive
from registry.services.layers import ensure_cached
from registry.services.progress import Meter

EXTERNAL_KINDS = ("certified", "adopted")  # members of Recipe.bases that name an artifact
DEFAULT_PLATFORM = "linux/amd64"


class BasePlatformMissing(BuilderFailed):
    """A base has no image for a platform that is wanted."""

    code: ClassVar[str] = "base_platform_missing"


class BaseByPlatform(BuilderFailed):
    """A FROM that comes out as another image for each platform: no one digest would be under the index."""

    code: ClassVar[str] = "base_by_platform"


def base_image(entry: Mapping[str, Any], platform: str) -> Artifact:
    """The image for ``platform`` of a member of Recipe.bases. Raises BasePlatformMissing, naming those that it has."""
    artifact = artifact_by_id(entry["artifact"])
    runnable = runnable_images(artifact)
    fitting = (
        [one for one in runnable if one.platform and normal(one.platform) == normal(platform)]
        or [one for one in runnable if not one.platform]
        or [one for one in runnable if platform.startswith(f"{one.platform}/")]
    )
    if not fitting:
        raise BasePlatformMissing(
            f"The base {entry.get('asked') or artifact.digest} ({artifact.digest}) has no image for {platform};"
            f" it has {in_words(one.platform for one in runnable)}.",
            failure_code=BasePlatformMissing.code,
            line=entry.get("line"),
            cure="Take the platform off the source, or bring in a base that has it.",
        )
    return fitting[0]


def final_base(recipe: Recipe) -> dict[str, Any] | None:
    """The member of Recipe.bases that the image stands on; None for one that begins empty. Raises BaseByPlatform."""
    final = [entry for entry in recipe.bases if entry["kind"] in EXTERNAL_KINDS and entry.get("is_final")]
    if len({entry["digest"] for entry in final}) > 1:
        named = ", ".join(sorted({str(entry["asked"]) for entry in final}))
        raise BaseByPlatform(
            f"The image would stand on another base for each platform: {named}.",
            failure_code=BaseByPlatform.code,
            line=final[-1].get("line"),
            cure="Name one base that has all of them.",
        )
    return dict(final[-1]) if final else None


def platforms_of(recipe: Recipe) -> list[str]:
    """What is built, in one order: the order of an index is part of its digest, and none of a recipe's hash."""
    return sorted({str(one) for one in recipe.platforms}) or [DEFAULT_PLATFORM]


def fetch_bases(recipe: Recipe, *, progress: Callable[..., None]) -> None:
    """Bring layers of bases back that the cache has let go: the builder has no password of any registry.

    Raises BasePlatformMissing and BaseByPlatform, before anything is fetched; BlobMissing, and what a registry raises.
    """
    final_base(recipe)
    meter = Meter(progress, text="fetching the bases")
    wanted = [
        base_image(entry, platform)
        for entry in recipe.bases
        if entry["kind"] in EXTERNAL_KINDS
        for platform in platforms_of(recipe)
    ]
    for image in wanted:
        for link in registry.layers_of(image):
            ensure_cached(link.layer, meter=meter)


def require_platforms(recipe: Recipe, archive: Path) -> None:
    """Raises BuilderFailed unless the archive holds one image for each platform that was asked for, and no other."""
    wanted = platforms_of(recipe)
    made = [named or _platform(config) for named, config in configs_in_archive(archive).items()]
    lacking, unasked = missing(wanted, made), missing(made, wanted)
    if lacking or unasked or len(made) != len(wanted):
        raise BuilderFailed(
            f"What was built has images for {in_words(made)}, where {in_words(wanted)} was asked for.",
            failure_code="platform_missing",
            cure="See the FROM lines of the Dockerfile: a stage may name another platform.",
        )


def require_base(recipe: Recipe, archive: Path) -> None:
    """Raises BuilderFailed unless the image begins with the layers of the base that it says it stands on.

    The build writes in its own store: a step that got at the base's files there would be under the label of a
    base that it is not (CVE-2024-1753 let steps mount the builder's root).
    """
    final = final_base(recipe)
    if final is None:
        return
    for platform, made in configs_in_archive(archive).items():
        base = base_image(final, platform or platforms_of(recipe)[0])
        expected = _layers(registry.config_documents(base)[""])
        if _layers(made)[: len(expected)] != expected:
            raise BuilderFailed(
                f"What was built does not begin with the layers of {base.digest}: a step changed its base.",
                failure_code="base_changed",
            )


def _layers(config: Mapping[str, Any]) -> list[str]:
    return [str(one) for one in (config.get("rootfs") or {}).get("diff_ids") or []]


def _platform(config: Mapping[str, Any]) -> str:
    return "/".join(str(config[part]) for part in ("os", "architecture", "variant") if config.get(part))
