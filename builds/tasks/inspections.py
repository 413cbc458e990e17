"""Jobs: looking into the files of images."""

from builds.adapters.layer_reader.parent import CHILD_LIMITS
from builds.services import inspections
from jobs.handlers import Run, handler
from registry.errors import RegistryUnavailable

LIMIT_SECONDS = CHILD_LIMITS.wall_seconds * 4  # an index of several platforms


@handler("builds.inspect", retry_on=(RegistryUnavailable,), limit_seconds=LIMIT_SECONDS)
def inspect(run: Run) -> None:
    """Look into an artifact's images."""
    inspections.inspect_artifact(run.subject_id, now=run.now(), progress=run.progress, check=run.check)


@handler("builds.inspect_outdated", limit_seconds=60)
def inspect_outdated(run: Run) -> None:
    """Ask for what newer rules, or newer inventories, say more of."""
    count = inspections.ask_outdated(now=run.now())
    run.progress(done=count, total=count, unit="images", text="Asked.")


@handler("builds.inspect_subversion", retry_on=(RegistryUnavailable,), limit_seconds=LIMIT_SECONDS)
def inspect_subversion(run: Run) -> None:
    """Look into the images that a subversion pins."""
    inspections.inspect_subversion(run.subject_id, now=run.now(), progress=run.progress, check=run.check)
