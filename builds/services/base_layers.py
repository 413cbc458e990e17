"""The images that a recipe's bases stand for: at hand before a build, and still under what was built after it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from builds.adapters.builders.interface import BuilderFailed
from builds.models import Recipe
from registry import selectors as registry
from registry.models import Artifact
from registry.selectors import artifact_by_id, runnable_images
from registry.services import configs_in_archive
from registry.services.layers import ensure_cached
from registry.services.progress import Meter

EXTERNAL_KINDS = ("certified", "adopted")  # members of Recipe.bases that name an artifact
DEFAULT_PLATFORM = "linux/amd64"


def base_image(entry: Mapping[str, Any], platform: str) -> Artifact:
    """The image for ``platform`` of a member of Recipe.bases. Raises BuilderFailed where it has none."""
    artifact = artifact_by_id(entry["artifact"])
    runnable = runnable_images(artifact)
    fitting = [one for one in runnable if one.platform in (platform, "")] or [
        one for one in runnable if platform.startswith(f"{one.platform}/")
    ]
    if not fitting:
        raise BuilderFailed(
            f"The base {artifact.digest} has no image for {platform}.", failure_code="base_platform_missing"
        )
    return fitting[0]


def final_base(recipe: Recipe) -> dict[str, Any] | None:
    """The member of Recipe.bases that the image stands on; None for one that begins empty."""
    final = [entry for entry in recipe.bases if entry["kind"] in EXTERNAL_KINDS and entry.get("is_final")]
    return dict(final[-1]) if final else None


def platforms_of(recipe: Recipe) -> list[str]:
    """What is built."""
    return [str(one) for one in recipe.platforms] or [DEFAULT_PLATFORM]


def fetch_bases(recipe: Recipe, *, progress: Callable[..., None]) -> None:
    """Bring layers of bases back that the cache has let go: the builder has no password of any registry.

    Raises BlobMissing, and what a registry raises.
    """
    meter = Meter(progress, text="fetching the bases")
    for entry in recipe.bases:
        if entry["kind"] in EXTERNAL_KINDS:
            for platform in platforms_of(recipe):
                for link in registry.layers_of(base_image(entry, platform)):
                    ensure_cached(link.layer, meter=meter)


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
