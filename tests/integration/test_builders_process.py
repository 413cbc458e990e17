"""The builder as ``script/server`` starts it: on its queue, with no key of ours."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.stack import Stack, eventually, own_home, running

pytestmark = pytest.mark.integration
_SWEEP = (
    "from django.utils import timezone; from jobs.services import enqueue;"
    "print('job', enqueue('builds.sweep', subject_id='', now=timezone.now()).pk)"
)
_STATE = (
    "from jobs.models import Job;"
    "print('state', *Job.objects.filter(kind='builds.sweep').values_list('state', flat=True))"
)


def environment_of(stack: Stack) -> dict[str, str]:
    """The builder's own, once it is that program and no longer the supervisor that starts it."""
    entries = Path(f"/proc/{stack.pid_of('builder')}/environ").read_bytes().decode().split("\0")
    found = dict(entry.split("=", 1) for entry in entries if "=" in entry)
    return found if "GOLDGATE_PROCESS" in found else {}


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with own_home() as home, running(home, GOLDGATE_BUILDER_SECONDS="77") as started:
        yield started


class TestTheBuilderProcess:
    def test_has_no_key_in_its_environment(self, stack: Stack):
        variables = eventually(lambda: environment_of(stack), seconds=120, what="the builder's start")
        assert variables["GOLDGATE_PROCESS"] == "builder"
        assert variables["GOLDGATE_BUILDER_SECONDS"] == "77"
        assert not [name for name in variables if "KEY" in name or "PASSPHRASE" in name or "SECRET" in name]
        assert not [value for value in variables.values() if str(stack.home / "keys") in value]

    def test_works_on_the_queue_of_builds(self, stack: Stack):
        stack.manage("shell", "-c", _SWEEP)
        eventually(lambda: "succeeded" in stack.manage("shell", "-c", _STATE), seconds=120, what="the sweep")
