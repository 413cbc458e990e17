"""Holds a build as somebody who is not root; run by test_confinement.py as that user, with the system's Python.

``python3 unprivileged.py DIRECTORY``, where the directory holds confinement.py and confined.py. Nothing else of ours is
readable for that user, so the one name that confinement.py imports is made here.
"""

import importlib.util
import sys
import tempfile
import types
from pathlib import Path


class BuilderUnavailable(Exception):
    def __init__(self, detail, cure=""):
        super().__init__(detail)


def load(directory):
    for name in ("builds", "builds.adapters", "builds.adapters.builders", "builds.adapters.builders.interface"):
        sys.modules[name] = types.ModuleType(name)
    sys.modules["builds.adapters.builders.interface"].BuilderUnavailable = BuilderUnavailable
    spec = importlib.util.spec_from_file_location("confinement", f"{directory}/confinement.py")
    module = sys.modules["confinement"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main():
    confinement = load(sys.argv[1])
    held = confinement.holding("")
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        for one in ("root", "work"):
            (directory / one).mkdir()
        limits = confinement.Limits(60, 1 << 30, 200, 1, 0, 1 << 20)
        words = "id -u; mkdir -m 700 /build/a; touch /build/a/b; chown -R 1000:1000 /build/a; ls -n /build; ls /home"
        job = confinement.Job(directory, [confinement.Step(("/bin/sh", "-c", words), "/")], {"PATH": "/bin"}, limits)
        confinement.run_confined(job, held, output=lambda data: sys.stdout.write(data.decode()), check=lambda: None)
        confinement.empty_as_owner(directory, "")
        sys.stdout.write(" ".join(["left:", *map(str, (directory / "work").iterdir())]) + "\n")


main()
