"""Writing down who built it."""

from builds.errors import InventoryOutstanding
from builds.services import attesting
from jobs.handlers import Run, handler


@handler("builds.attest", retry_on=(InventoryOutstanding,), is_cancellable=False)
def attest(run: Run) -> None:
    """Sign who built a candidate, and attach that to it."""
    attesting.attest_build(run.subject_id, run.now())


@handler("builds.attest_certified", retry_on=(InventoryOutstanding,), is_cancellable=False)
def attest_certified(run: Run) -> None:
    """Attach who built a subversion where it was certified."""
    attesting.attest_certified(run.subject_id, run.now())
