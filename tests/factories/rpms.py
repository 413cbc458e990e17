"""Databases of the real rpm: packages built and installed by it, as an image holds them.

rpm_database([Rpm("openssl-libs", "1:3.0.7-18.el9_2", files=("/usr/lib64/libssl.so.3",))])  # rpmdb.sqlite, as bytes
"""

import functools
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

NEEDS_RPM = pytest.mark.skipif(
    not all(shutil.which(tool) for tool in ("rpm", "rpmbuild", "gpg")),
    reason="needs rpm, rpmbuild and gpg (rpm, gnupg)",
)
# As in images of Enterprise Linux 9 and UBI 9; before 9 the database is a file of Berkeley DB.
DATABASE = "var/lib/rpm/rpmdb.sqlite"


@dataclass(frozen=True, slots=True)
class Rpm:
    """One package to install: ``evr`` is ``[epoch:]version-release``, ``module`` its modularity label."""

    name: str
    evr: str
    files: tuple[str, ...] = ()
    module: str = ""


@functools.cache
def rpm_database(packages: tuple[Rpm, ...], *, has_key: bool = False) -> bytes:
    """The database of a system that has ``packages`` installed, and trusts a key where asked to."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        database = directory / "database"
        _rpm(directory, "--initdb")
        # One build has one label.
        for label in sorted({one.module for one in packages}):
            _build(directory, [one for one in packages if one.module == label], label)
        if packages:
            built = [str(path) for path in sorted(directory.rglob("*.rpm"))]
            _rpm(directory, "--install", "--justdb", "--nodeps", "--ignorearch", "--ignoreos", "--force-debian", *built)
        if has_key:
            _rpm(directory, "--import", str(_key(directory)))
        return (database / "rpmdb.sqlite").read_bytes()


def _rpm(directory: Path, *arguments: str) -> None:
    fixed = ["rpm", "--dbpath", str(directory / "database"), "--define", "_db_backend sqlite"]
    _run([*fixed, *arguments], directory)


def _build(directory: Path, packages: list[Rpm], label: str) -> None:
    spec = directory / "made.spec"
    spec.write_text(_spec(packages, label))
    quiet = ["--quiet", "--define", "debug_package %{nil}", "--define", "_build_id_links none"]
    _run(["rpmbuild", "-bb", *quiet, "--define", f"_topdir {directory}", str(spec)], directory)


def _spec(packages: list[Rpm], label: str) -> str:
    head = "Name: made\nVersion: 1\nRelease: 1\nSummary: made\nLicense: MIT\nBuildArch: noarch\n{}%description\nmade\n"
    parts = [head.format(f"ModularityLabel: {label}\n" if label else "")]
    paths = sorted({path for one in packages for path in one.files})
    for one in packages:
        epoch, _, rest = one.evr.rpartition(":")
        version, _, release = rest.rpartition("-")
        tags = f"Version: {version}\nRelease: {release}\n" + (f"Epoch: {epoch}\n" if epoch else "")
        parts.append(f"%package -n {one.name}\nSummary: made\n{tags}%description -n {one.name}\nmade\n")
    made = "".join(f'mkdir -p "%{{buildroot}}$(dirname {path})"; : > %{{buildroot}}{path}\n' for path in paths)
    parts.append(f"%install\n:\n{made}")
    parts += [f"%files -n {one.name}\n" + "".join(f"{path}\n" for path in one.files) for one in packages]
    return "\n".join(parts)


def _key(directory: Path) -> Path:
    home, key = directory / "gnupg", directory / "key.asc"
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", str(home), "--batch", "--passphrase", ""]
    _run([*gpg, "--quick-generate-key", "made <made@example.test>", "rsa2048", "sign", "never"], directory)
    _run([*gpg, "--armor", "--output", str(key), "--export"], directory)
    _run(["gpgconf", "--homedir", str(home), "--kill", "all"], directory)
    return key


def _run(command: list[str], directory: Path) -> None:
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"{command[0]}: {done.stdout}{done.stderr}"
