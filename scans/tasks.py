"""Jobs of the scans room: shells around the services."""

from uuid import UUID

from jobs.handlers import Run, handler
from registry.errors import RegistryUnavailable
from registry.selectors import artifact_by_id
from scans import services
from scans.adapters.syft import LIMITS
from scans.errors import FeedUnavailable, ScannerUnavailable
from scans.services.uploads import import_upload as import_kept


@handler(
    "scans.inventory",
    retry_on=(ScannerUnavailable, RegistryUnavailable),
    limit_seconds=LIMITS.wall_seconds * 3,
    max_attempts=4,
)
def inventory(run: Run) -> None:
    """Look into the artifact."""
    services.inventory_artifact(
        artifact=artifact_by_id(run.subject_id),
        now=run.now(),
        check=run.check,
        progress=lambda done, total, text: run.progress(done=done, total=total, unit="images", text=text),
        finishing=run.finishing,
    )


@handler("scans.match", limit_seconds=600)
def match(run: Run) -> None:
    """Hold the artifact against the advisories."""
    services.match_artifact(artifact=artifact_by_id(run.subject_id), now=run.now(), finishing=run.finishing)


@handler("scans.find_attestations", retry_on=(RegistryUnavailable,), limit_seconds=600, max_attempts=5)
def find_attestations(run: Run) -> None:
    """Look beside the artifact for attestations of its inventory."""
    remarks = services.find_attestations(artifact=artifact_by_id(run.subject_id), now=run.now(), check=run.check)
    run.progress(done=1, total=1, unit="images", text=" ".join(remarks)[:500])


@handler("scans.compose", limit_seconds=600)
def compose(run: Run) -> None:
    """Put the image's inventory together with what is attested."""
    services.use_attestations(image=artifact_by_id(run.subject_id), now=run.now())


@handler("scans.judge_signer", limit_seconds=3600)
def judge_signer(run: Run) -> None:
    """Judge again what a signer that was named or ended may turn."""
    moved = services.judge_of_signer(signer_id=UUID(run.subject_id), now=run.now(), check=run.check)
    run.progress(done=moved, total=moved, unit="images", text="Judged again.")


@handler("scans.judge_subversion", limit_seconds=600)
def judge_subversion(run: Run) -> None:
    """Judge again what could not be in a signer's scope before the image had its place."""
    services.judge_of_subversion(subversion_id=run.subject_id, now=run.now())


@handler("scans.sync_feed", retry_on=(FeedUnavailable,), limit_seconds=3600, max_attempts=5)
def sync_feed(run: Run) -> None:
    """Sync one feed, and match what it moved."""
    services.sync_feed(
        feed_id=UUID(run.subject_id),
        now=run.now(),
        check=run.check,
        progress=lambda done, text: run.progress(done=done, unit="records", text=text),
    )


@handler("scans.import_upload", limit_seconds=3600)
def import_upload(run: Run) -> None:
    """Take over a feed file that somebody handed in."""
    import_kept(feed_id=UUID(run.subject_id), args=run.args, now=run.now())


@handler("scans.rematch", limit_seconds=3600)
def rematch(run: Run) -> None:
    """Hold everything against everything again."""
    services.rematch_everything(now=run.now())


@handler("scans.sync_all_feeds", limit_seconds=60)
def sync_all_feeds(run: Run) -> None:
    """Ask for a sync of every feed that has an address: what the schedule starts."""
    services.ask_sync_of_all(now=run.now())
