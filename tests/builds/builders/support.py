"""A tiny base image that really runs (BusyBox), recipes on it, and one run of a build.

base = busybox_base(now)                                     # an artifact, its bytes in our store
build = build_of(now, "FROM base\nRUN echo hello\n", base)
run_once(build, now)                                         # through the job, as the builder would
"""

import gzip
import hashlib
import io
import json
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from builds.adapters.builders.confinement import Holding
from builds.domain.recipe import FILE_MODE
from builds.models import Build, Source
from jobs.models import Job
from jobs.services import enqueue
from registry import services as registry
from registry.blobs import kept_blobs
from registry.models import Artifact
from tests.factories.accounts import PersonFactory
from tests.factories.builds import BuildFactory, RecipeFactory, SourceFactory
from tests.factories.registry import pieces
from tests.jobs.support import run_due_jobs

BUSYBOX = Path("/bin/busybox")
APPLETS = (
    "sh", "ash", "cat", "ls", "id", "echo", "cp", "mv", "rm", "mkdir", "ln", "chmod", "chown", "sleep", "mount",
    "umount", "grep", "head", "tail", "env", "dd", "wget", "nc", "ps", "kill", "find", "touch", "sed", "test", "true",
    "false",
    "seq", "od", "tr", "wc", "sort", "uname", "hostname", "df", "mknod", "unshare", "nsenter", "chroot", "nohup",
    "setsid", "printf", "date", "stat", "readlink", "base64", "ip", "ifconfig", "dmesg", "su", "awk", "xargs", "yes",
    "printenv", "dash", "bash",
)  # fmt: skip
AS_ROOT = Holding(is_user_namespace=False, has_map_helpers=False, uid_map=(), gid_map=())
needs_buildah = pytest.mark.skipif(
    not (Path("/usr/bin/buildah").exists() and Path("/usr/bin/skopeo").exists() and BUSYBOX.exists()),
    reason="LEFT OUT: buildah, skopeo or busybox-static is not installed (script/test installs them)",
)


def busybox_archive(target: Path, *, motto: bytes = b"") -> Path:
    """An OCI archive of one layer: BusyBox and a /etc/passwd."""
    layer = _tar(
        [
            *(
                (name, None)
                for name in (
                    "bin",
                    "etc",
                    "tmp",
                    "root",
                    "proc",
                    "sys",
                    "dev",
                    "var",
                    "home",
                    "usr",
                    "usr/local",
                    "usr/local/bin",
                    "usr/local/lib",
                )
            ),
            ("bin/busybox", BUSYBOX.read_bytes()),
            ("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65532:65532::/:/bin/false\n"),
            ("etc/group", b"root:x:0:\nnobody:x:65532:\n"),
            ("etc/motd", motto),
        ],
        links={f"bin/{name}": "busybox" for name in (*APPLETS, "dash", "bash")},
    )
    packed = gzip.compress(layer, mtime=0)
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Env": ["PATH=/bin"], "Cmd": ["sh"]},
        "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
        "history": [{"created": "2026-11-01T00:00:00Z", "created_by": "test"}],
    }
    config_bytes = json.dumps(config).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": _descriptor(config_bytes, "application/vnd.oci.image.config.v1+json"),
        "layers": [_descriptor(packed, "application/vnd.oci.image.layer.v1.tar+gzip")],
    }
    manifest_bytes = json.dumps(manifest).encode()
    top = {"schemaVersion": 2, "manifests": [_descriptor(manifest_bytes, str(manifest["mediaType"]))]}
    blobs = [packed, config_bytes, manifest_bytes]
    target.write_bytes(
        _tar(
            [
                ("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'),
                ("index.json", json.dumps(top).encode()),
                *((f"blobs/sha256/{hashlib.sha256(blob).hexdigest()}", blob) for blob in blobs),
            ]
        )
    )
    return target


def _tar(entries: list[tuple[str, bytes | None]], links: dict[str, str] | None = None) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, body in entries:
            info = tarfile.TarInfo(name)
            info.mode = 0o755
            info.type = tarfile.DIRTYPE if body is None else tarfile.REGTYPE
            info.size = len(body or b"")
            tar.addfile(info, io.BytesIO(body or b""))
        for name, points_to in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, points_to
            tar.addfile(info)
    return buffer.getvalue()


def _digest(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def _descriptor(body: bytes, media_type: str) -> dict[str, object]:
    return {"mediaType": media_type, "digest": _digest(body), "size": len(body)}


def busybox_base(now: datetime, directory: Path) -> Artifact:
    """The image, imported."""
    return imported(busybox_archive(directory / "busybox.tar"), now)


def imported(archive: Path, now: datetime) -> Artifact:
    """The artifact of an OCI archive, its bytes in our store."""
    asked = registry.import_archive(chunks=pieces(archive), requested_by=PersonFactory(), now=now)
    return registry.run_import(import_id=asked.pk, now=now)


def base_entry(asked: str, artifact: Artifact, **more: object) -> dict[str, object]:
    """A member of Recipe.bases, as it stands there for a base that was found."""
    return {
        "asked": asked,
        "stage": "",
        "line": 1,
        "kind": "adopted",
        "reference": f"registry.example/{asked.partition(':')[0]}@{artifact.digest}",
        "digest": artifact.digest,
        "artifact": str(artifact.pk),
        "subversion": None,
        "reason": "",
        "use": "from",
        "is_final": True,
        **more,
    }


def context(files: dict[str, bytes]) -> dict[str, object]:
    """A recipe's context fields for ``files``, their bytes in the blob store."""
    body = _tar(list(files.items()))
    rows = [[name, FILE_MODE, len(content), hashlib.sha256(content).hexdigest()] for name, content in files.items()]
    return {"context_digest": str(kept_blobs().put(body)), "context_bytes": len(body), "files": rows}


def build_of(
    now: datetime,
    dockerfile: str,
    base: Artifact | None = None,
    *,
    asked: str = "base:1",
    files: dict[str, bytes] | None = None,
    source: Source | None = None,
    **recipe_fields: object,
) -> Build:
    """A build of that Dockerfile on ``base``, asked for and waiting."""
    source = source or SourceFactory(now)
    values: dict[str, object] = {
        "dockerfile": dockerfile,
        "bases": [base_entry(asked, base)] if base else [],
        "committed_at": datetime(2026, 11, 20, 8, 0, tzinfo=UTC),
        # The rules have nothing against it: what is tested here is what holds it when they see nothing.
        "checked_at": now,
        **context(files or {"hello.txt": b"hello\n"}),
        **recipe_fields,
    }
    return BuildFactory(now, recipe=RecipeFactory(now, source=source, **values))


def run_once(build: Build, now: datetime) -> Job:
    """Run the build's job once, in this process, and look at the build again."""
    job = enqueue("builds.run", subject_id=build.pk, now=now)
    run_due_jobs(now, queues=("builds",))
    build.refresh_from_db()
    job.refresh_from_db()
    return job


def log_of(build: Build) -> str:
    """The whole log."""
    return "".join(build.log_chunks.order_by("number").values_list("text", flat=True))
