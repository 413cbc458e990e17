import hashlib
import io
import os
import stat
import tarfile

import pytest

from builds.errors import ContextDamaged
from builds.models import Recipe
from builds.services.contexts import unpack_context
from builds.services.sources import fetch_source
from registry.blobs import kept_blobs
from registry.errors import BlobMissing
from tests.builds.sources.conftest import FILES
from tests.factories.builds import RecipeFactory

pytestmark = pytest.mark.django_db


class TestUnpackContext:
    def test_writes_the_tree_as_it_was(self, now, source, tmp_path):
        root = unpack_context(fetch_source(source.pk, now=now), tmp_path / "context")
        assert root == tmp_path / "context"
        assert {str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()} == FILES
        run = (root / "scripts" / "run.sh").stat()
        assert stat.S_IMODE(run.st_mode) == 0o755
        assert stat.S_IMODE((root / "motd").stat().st_mode) == 0o644
        assert {path.lstat().st_mtime for path in (root, *root.rglob("*"))} == {0}

    def test_what_dockerignore_names_stays_out(self, now, source, repository, tmp_path):
        repository.commit(FILES | {".dockerignore": "*\n!motd\n", "secret.key": "x"})
        recipe = fetch_source(source.pk, now=now)
        assert [row[0] for row in recipe.files] == ["motd"]
        assert recipe.dockerfile == FILES["Dockerfile"]
        assert [path.name for path in unpack_context(recipe, tmp_path / "context").iterdir()] == ["motd"]

    def test_the_dockerfile_s_own_list_goes_before_the_common_one(self, now, source, repository):
        lists = {".dockerignore": "*\n", "Dockerfile.dockerignore": "scripts\n"}
        repository.commit(FILES | lists)
        names = [row[0] for row in fetch_source(source.pk, now=now).files]
        assert names == [".dockerignore", "Dockerfile", "Dockerfile.dockerignore", "motd"]

    def test_a_directory_is_the_root_of_its_context(self, now, below, repository, source, tmp_path):
        repository.commit({f"images/base/{path}": body for path, body in FILES.items()} | {"README": "x"})
        source.directory = "images/base"
        source.save()
        root = unpack_context(fetch_source(source.pk, now=now), tmp_path / "context")
        assert sorted(path.name for path in root.iterdir()) == ["Dockerfile", "motd", "scripts"]


def kept(members):
    """A tar of ``(name, type, body or link)`` in the store, and its digest."""
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w") as tar:
        for name, kind, content in members:
            member = tarfile.TarInfo(name)
            member.type = kind
            if kind == tarfile.REGTYPE:
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
            else:
                member.linkname = content
                tar.addfile(member)
    return str(kept_blobs().put(body.getvalue()))


def row(path, body, mode="100644"):
    return [path, mode, len(body), hashlib.sha256(body).hexdigest()]


class TestADamagedStore:
    @pytest.mark.parametrize(
        ("members", "files"),
        [
            pytest.param([("a", tarfile.REGTYPE, b"y")], [row("a", b"x")], id="other-bytes"),
            pytest.param([("a", tarfile.REGTYPE, b"xx")], [row("a", b"x")], id="more-bytes"),
            pytest.param([("a", tarfile.REGTYPE, b"")], [row("a", b"x")], id="fewer-bytes"),
            pytest.param([("a", tarfile.REGTYPE, b"x"), ("b", tarfile.REGTYPE, b"x")], [row("a", b"x")], id="one-more"),
            pytest.param([("a", tarfile.REGTYPE, b"x")], [row("a", b"x"), row("b", b"x")], id="one-less"),
            pytest.param([("a", tarfile.REGTYPE, b"x")] * 2, [row("a", b"x")], id="twice"),
            pytest.param([("a", tarfile.SYMTYPE, "/etc/passwd")], [row("a", b"x")], id="link-for-a-file"),
            pytest.param([("a", tarfile.LNKTYPE, "/etc/passwd")], [row("a", b"x")], id="hard-link"),
            pytest.param([("a", tarfile.FIFOTYPE, "")], [row("a", b"x")], id="fifo"),
            pytest.param([("a", tarfile.REGTYPE, b"b")], [row("a", b"b", "120000")], id="file-for-a-link"),
            pytest.param([("../a", tarfile.REGTYPE, b"x")], [row("a", b"x")], id="outside"),
            pytest.param([("a", tarfile.SYMTYPE, "/etc")], [row("a", b"/etc", "120000")], id="link-out-of-the-tree"),
        ],
    )
    def test_is_told_and_nothing_is_written_outside(self, now, tmp_path, members, files):
        recipe = RecipeFactory(now, context_digest=kept(members), files=files)
        with pytest.raises(ContextDamaged, match="differs from its list"):
            unpack_context(recipe, tmp_path / "work")
        assert os.listdir(tmp_path) == ["work"]

    def test_a_missing_blob(self, now, tmp_path):
        recipe = RecipeFactory(now, context_digest="sha256:" + "9" * 64)
        with pytest.raises(BlobMissing):
            unpack_context(recipe, tmp_path / "context")
        assert Recipe.objects.count() == 1
