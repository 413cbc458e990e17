"""Runs one build on the builder process: asked, running, built; or failed, with the reason and the line.

Each step may be the last one: whoever takes the job again begins anew in an emptied directory, and the rows say what
was done. Nothing that is certified is touched here, whatever comes of it.
"""

import os
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings

from audit.actor import Actor
from audit.services import record
from audit.verbs import Verb
from builds.adapters.builders import builder_for
from builds.adapters.builders.interface import (
    BUILT_CONTEXT,
    BuilderFailed,
    BuilderMissing,
    BuilderUnavailable,
    BuildOutput,
    BuildPlan,
    PlannedBase,
)
from builds.adapters.secrets import secret_values
from builds.domain.log_text import Masker, is_secret_name, last_step
from builds.models import Build, Recipe, Source
from builds.selectors.builds import build_by_id
from builds.selectors.checks import blocking_checks
from builds.services.base_layers import (
    EXTERNAL_KINDS,
    base_image,
    final_base,
    platforms_of,
    require_base,
    require_platforms,
)
from builds.services.causes import subject_of
from builds.services.checks import check_recipe
from builds.services.contexts import unpack_context
from builds.services.directories import DirectoryTaken, own_directory
from builds.services.ending import end_build
from builds.services.logs import LogWriter, append_log
from builds.services.sweeping import sweep
from jobs.handlers import Run
from registry.services import export_layout

BUILDER = Actor.system("builder")
PROCESSES = ("builder", "test")  # nobody else executes a Dockerfile
OWN_ADDRESSES = ("DATABASE_URL", "REDIS_URL")  # with passwords in them
CHECKS_FOR = timedelta(hours=1)  # what the rules said holds that long


def run_build(build_id: UUID | str, *, run: Run) -> Build:
    """Build what was asked for; the build as it is afterwards. One that was built or ended already is left alone.

    Raises: BuildMissing; BuilderFailed, after the build was ended as failed; BuilderUnavailable and what the registry
    raises when bytes of a base cannot be had now, with the build still running: it is tried again; LeaseLost,
    JobCancelled, TimeLimitReached.
    """
    _require_builder_process()
    sweep()
    build = _begin(build_by_id(build_id), run)
    if build.state != Build.State.RUNNING or build.recipe is None:
        return build
    writer = _log_of(build, build.recipe, run)
    try:
        with own_directory(build.pk) as directory:
            output = _build(build, build.recipe, directory, writer, run)
            require_platforms(build.recipe, output.archive)
            require_base(build.recipe, output.archive)
            writer.close()
            return _made(build, output, run)
    except DirectoryTaken as error:
        # The one before us still ends: its lease ran out, and the kill of its child takes a moment.
        raise BuilderUnavailable("Another builder has not yet left this build's directory.") from error
    except BuilderMissing as missing:
        raise _failed(
            build, BuilderFailed(missing.detail, failure_code=missing.code, cure=missing.cure), writer, run
        ) from missing
    except BuilderFailed as failed:
        raise _failed(build, failed, writer, run) from failed


def _failed(build: Build, failed: BuilderFailed, writer: LogWriter, run: Run) -> BuilderFailed:
    """End the build. Its sentence quotes what the build printed, so it is cleaned as the log is."""
    clean = BuilderFailed(
        writer.clean(failed.detail), failure_code=failed.failure_code, line=failed.line, cure=failed.cure
    )
    writer(f"\n{clean}\n")
    writer.close()
    end(build.pk, Build.State.FAILED, clean.failure_code, str(clean), run, line=clean.line)
    return clean


def end(build_id: UUID | str, state: Build.State, code: str, text: str, run: Run, *, line: int | None = None) -> None:
    """End the build, if this run may still say so. Raises LeaseLost."""
    with run.fence():
        end_build(build_id=build_id, state=state, code=code, failure=text, now=run.now(), failed_line=line)


def _require_builder_process() -> None:
    process = settings.GOLDGATE_PROCESS
    if process not in PROCESSES:
        raise BuilderUnavailable(
            f"A {process} process executes no Dockerfile.", cure="Start the builder: docs/runbooks/builder.md."
        )


def _begin(build: Build, run: Run) -> Build:
    with run.fence():
        locked = Build.objects.select_for_update(of=("self",)).select_related("source", "recipe").get(pk=build.pk)
        if locked.state == Build.State.RUNNING:
            append_log(locked, "\nThe builder stopped in the middle of it; it begins again.\n\n", now=run.now())
        if locked.state != Build.State.ASKED:
            return locked
        if locked.recipe is None:
            # A cause came after its source was fetched: it is fetched again, and comes back with another job.
            return locked
        locked.state, locked.started_at = Build.State.RUNNING, run.now()
        locked.is_reviewed = locked.recipe.is_approved
        locked.save(update_fields=["state", "started_at", "is_reviewed"])
        data = {"recipe": str(locked.recipe_id), "commit": locked.recipe.commit, "is_reviewed": locked.is_reviewed}
        record(Verb.BUILD_STARTED, actor=BUILDER, subject=subject_of(locked), at=run.now(), data=data)
    return locked


def _log_of(build: Build, recipe: Recipe, run: Run) -> LogWriter:
    known = [str(value) for name, value in recipe.arguments.items() if is_secret_name(name)]
    known += [value for name, value in os.environ.items() if is_secret_name(name) or name in OWN_ADDRESSES]
    known.append(str(settings.DATABASES["default"].get("PASSWORD") or ""))
    masker = Masker(known, secret_values)

    def write(text: str) -> int:
        with run.fence():
            return append_log(build, text, now=run.now())

    return LogWriter(write, masker, clock=time.monotonic)


def _build(build: Build, recipe: Recipe, directory: Path, writer: LogWriter, run: Run) -> BuildOutput:
    _require_checks(recipe, run)
    run.progress(text="laying out the context and the bases")
    (directory / "work").mkdir()
    unpack_context(recipe, directory / "work" / BUILT_CONTEXT)
    platforms = platforms_of(recipe)
    plan = BuildPlan(
        directory=directory,
        dockerfile=recipe.dockerfile.encode(),
        arguments={str(name): str(value) for name, value in recipe.arguments.items()},
        target=recipe.target,
        platforms=platforms,
        bases=_lay_out_bases(recipe, directory / "bases", platforms, run),
        labels=_labels(build, recipe, run.now()),
        epoch=int(recipe.committed_at.timestamp()) if recipe.committed_at else None,
        allowed_hosts=hosts_of(recipe),
    )
    run.progress(text="building")

    def log(text: str) -> None:
        writer(text)
        if step := last_step(text):
            run.progress(done=step[0], total=step[1], unit="steps", text="building")

    def check() -> None:
        run.check()
        writer.tick()

    return builder_for(build.source).build(plan, log=log, check=check)


def hosts_of(recipe: Recipe) -> list[str] | None:
    """Whom a build of it may reach: what was judged with it, but for what its source lists no longer. None: nobody."""
    source = recipe.source
    listed = source.allowed_hosts if source.network == Source.Network.LISTED else []
    return [host for host in recipe.allowed_hosts if host in listed] or None


def _require_checks(recipe: Recipe, run: Run) -> None:
    """Raises BuilderFailed for a check that failed as an error and that nobody waived."""
    # Nobody has looked, or not lately: its base may have been withdrawn since.
    if recipe.checked_at is None or run.now() - recipe.checked_at > CHECKS_FOR:
        check_recipe(recipe, run.now())
    failed = blocking_checks(recipe, run.now())
    if failed:
        told = "; ".join(f"{one.rule} line {one.line}: {one.message}" if one.line else f"{one.rule}: {one.message}"
                         for one in failed[:5])  # fmt: skip
        raise BuilderFailed(
            f"{len(failed)} checks of the recipe failed, so it was not built. {told}",
            failure_code="recipe_checks",
            line=next((one.line for one in failed if one.line), None),
            cure="Change the Dockerfile, or ask for a waiver.",
        )


def _lay_out_bases(recipe: Recipe, directory: Path, platforms: list[str], run: Run) -> list[PlannedBase]:
    directory.mkdir()
    bases: dict[str, PlannedBase] = {}
    for entry in recipe.bases:
        if entry["kind"] == "refused":
            raise BuilderFailed(
                f"{entry['asked']} is refused as a base: {entry.get('reason') or 'it is not certified'}.",
                failure_code="base_refused",
                line=entry.get("line"),
            )
        if entry["kind"] in EXTERNAL_KINDS:
            asked, written = str(entry["asked"]), str(entry.get("written") or "")
            known = bases.get(asked) or _lay_out(entry, directory / str(len(bases)), platforms, run)
            spellings = (*known.written, written) if written and written != asked else known.written
            bases[asked] = replace(known, written=spellings)
    return list(bases.values())


def _lay_out(entry: Mapping[str, Any], directory: Path, platforms: list[str], run: Run) -> PlannedBase:
    directory.mkdir()
    layouts = {}
    for platform in platforms:
        layouts[platform] = directory / platform.replace("/", "-")
        export_layout(base_image(entry, platform), layouts[platform], progress=run.progress)
    return PlannedBase(str(entry["asked"]), str(entry["reference"]), str(entry["digest"]), layouts)


def _labels(build: Build, recipe: Recipe, now: datetime) -> dict[str, str]:
    """OCI image-spec v1.1, annotations.md#pre-defined-annotation-keys; the same inputs give the same labels."""
    version = build.source.version
    labels = {
        "created": (recipe.committed_at or now).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "revision": recipe.commit,
        "source": recipe.url,
        "title": version.image.name,
        "version": version.name,
    }
    if final := final_base(recipe):
        labels |= {"base.name": final["reference"], "base.digest": final["digest"]}
    return {f"org.opencontainers.image.{name}": value for name, value in labels.items() if value}


def _made(build: Build, output: BuildOutput, run: Run) -> Build:
    with run.finishing():
        locked = Build.objects.select_for_update(of=("self",)).select_related("source").get(pk=build.pk)
        locked.state = Build.State.BUILT
        locked.output_digest, locked.isolation = output.digest, output.isolation[:500]
        locked.builder_id, locked.builder_version = output.builder_id[:500], output.builder_version[:200]
        locked.save(update_fields=["state", "output_digest", "isolation", "builder_id", "builder_version"])
        data = {"digest": output.digest, "isolation": locked.isolation, "builder": output.builder_version}
        record(Verb.BUILD_MADE, actor=BUILDER, subject=subject_of(locked), at=run.now(), data=data)
    return locked
