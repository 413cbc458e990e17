"""What killed builders left: directories that nobody holds, control groups with nothing in them."""

from uuid import UUID

from builds.adapters.builders.limiting import sweep_groups
from builds.models import Build
from builds.services.directories import ARCHIVE, DirectoryTaken, builds_directory, held, leave, locked


def sweep() -> int:
    """Remove what is left of builds that nobody works on; how many directories. An archive that waits stays."""
    sweep_groups()
    parent = builds_directory()
    if not parent.is_dir():
        return 0
    swept = 0
    for path in list(parent.iterdir()):
        try:
            build_id = UUID(path.name)
        except ValueError:
            continue  # nothing of ours
        with held(parent):
            try:
                with locked(path):
                    is_waited_for = Build.objects.filter(pk=build_id, state=Build.State.BUILT).exists()
                    before = {one.name for one in path.iterdir()}
                    leave(path, keep=ARCHIVE if is_waited_for else "")
                    swept += before != ({ARCHIVE} if is_waited_for else set())
            except (DirectoryTaken, OSError):
                continue  # somebody works in it, or it went meanwhile
    return swept
