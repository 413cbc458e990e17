"""What a second build did otherwise, file by file."""

from builds.services import reproducing
from jobs.handlers import Run, handler


@handler("builds.name_files", limit_seconds=600)
def name_files(run: Run) -> None:
    """Write which files differ, now that an image of a comparison was looked into."""
    run.progress(done=reproducing.name_files(run.subject_id, run.now()), unit="comparisons")
