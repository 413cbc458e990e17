"""Job handlers of the room: ids in, one service call."""

from core.errors import GoldgateError, Kind
from jobs.errors import JobCancelled, TimeLimitReached
from jobs.handlers import MAX_ATTEMPTS, Run, handler
from registry import selectors, services
from registry.errors import RegistryUnavailable


@handler("registry.import", retry_on=(RegistryUnavailable,), limit_seconds=3600)
def import_artifact(run: Run) -> None:
    """Do what an import asks for. What a person must change is also said on the import."""
    try:
        services.run_import(import_id=run.subject_id, now=run.now(), progress=run.progress)
    except (JobCancelled, TimeLimitReached) as ended:
        said = "It was cancelled." if isinstance(ended, JobCancelled) else "It took longer than an hour."
        services.fail_import(import_id=run.subject_id, failure=said, now=run.now())
        raise
    except GoldgateError as error:
        if error.kind is not Kind.UNAVAILABLE or run.attempt >= MAX_ATTEMPTS:
            services.fail_import(import_id=run.subject_id, failure=str(error), now=run.now())
        raise


@handler("registry.test", limit_seconds=300)
def test_registry(run: Run) -> None:
    """Find out which of DNS, TLS, login, pull, referrers fails."""
    steps = services.test_registry(registry=selectors.registry_by_id(run.subject_id), now=run.now())
    failed = next((step for step in steps if step.outcome == "failed"), None)
    said = f"{failed.name}: {failed.text}" if failed else "The registry works."
    run.progress(done=len(steps), total=len(steps), unit="steps", text=said[:500])


@handler("registry.prune", limit_seconds=600)
def prune(run: Run) -> None:
    """Keep the layer cache within its limit, and drop what nobody came back to."""
    freed = services.prune_layers(now=run.now())
    services.prune_uploads(now=run.now())
    services.prune_half_written(now=run.now())
    run.progress(done=freed, total=freed, unit="bytes", text="Pruned.")
