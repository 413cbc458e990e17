"""Loaded into a worker by ``test_cosign_kills``: each outside effect of a publication kills its process, three times,
after the effect and before anything of it is committed."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from approvals import services as approvals
from registry import services as registry_services
from signing import sending, services

KILLS = 3
POINTS = (
    (registry_services, "copy_artifact"),
    (services, "_store_attestation"),  # the signature before it is stored already
    (sending, "send"),
    (sending, "take_back"),
)


def deadly(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    counter = Path(os.environ["GOLDGATE_TEST_KILLS"]) / name

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        found = function(*args, **kwargs)
        died = int(counter.read_text()) if counter.exists() else 0
        if died < KILLS:
            counter.write_text(str(died + 1))
            os.kill(os.getpid(), signal.SIGKILL)
        return found

    return wrapped


if "GOLDGATE_TEST_KILLS" in os.environ:
    for module, name in POINTS:
        setattr(module, name, deadly(getattr(module, name), name))
    # The certification behind it stands on reviews alone: nobody looked at evidence, and finalising would refuse it.
    approvals.finalise = lambda **_: None
