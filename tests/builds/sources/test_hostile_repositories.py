"""Repositories of people who mean harm. Each is fetched as a source is; nothing of it may act, and little may come."""

import os
from datetime import timedelta

import pytest

from builds.adapters import git_trees
from builds.adapters.git import is_new_enough
from builds.domain import recipe as limits
from builds.errors import SourceRefused
from builds.models import Recipe
from builds.services.contexts import unpack_context
from builds.services.sources import fetch_source
from scans.adapters.child import Limits
from tests.builds.repositories import Repository
from tests.builds.sources.conftest import DOCKERFILE, FILES
from tests.factories.builds import SourceFactory

pytestmark = pytest.mark.django_db


def fetched(now, repository, **fields):
    """The recipe of a source of ``repository``."""
    return fetch_source(SourceFactory(now, url=repository.url, **fields).pk, now=now)


@pytest.fixture
def canary(tmp_path):
    """A file that appears when something of the repository was run."""
    return tmp_path / "canary"


class TestNothingOfARepositoryRuns:
    def test_hooks(self, now, repository, canary):
        for name in ("pre-receive", "update", "post-checkout", "reference-transaction", "post-update", "pre-auto-gc"):
            hook = repository.path / "hooks" / name
            hook.parent.mkdir(exist_ok=True)
            hook.write_text(f"#!/bin/sh\ntouch {canary}\n")
            hook.chmod(0o755)
        assert fetched(now, repository).files
        assert not canary.exists()

    @pytest.mark.parametrize(
        "lines",
        [
            pytest.param('[uploadpack]\n packObjectsHook = "touch {canary}; exec"', id="pack-objects-hook"),
            pytest.param('[core]\n fsmonitor = "touch {canary}"', id="fsmonitor"),
            pytest.param('[core]\n sshCommand = "touch {canary}"\n gitProxy = "touch {canary}"', id="ssh-command"),
            pytest.param('[core]\n alternateRefsCommand = "touch {canary}"', id="alternate-refs-command"),
            pytest.param('[core]\n pager = "touch {canary}"\n editor = "touch {canary}"', id="pager"),
            pytest.param('[protocol "ext"]\n allow = always\n[alias]\n upload-pack = "!touch {canary}"', id="alias"),
            pytest.param("[include]\n path = {canary}.config", id="include"),
        ],
    )
    def test_its_own_configuration(self, now, repository, canary, lines):
        (canary.parent / "canary.config").write_text(f'[uploadpack]\n packObjectsHook = "touch {canary}; exec"\n')
        with (repository.path / "config").open("a") as config:
            config.write(lines.replace("{canary}", str(canary)) + "\n")
        assert fetched(now, repository).files
        assert not canary.exists()

    def test_a_promise_that_somebody_else_has_the_missing_object(self, now, below, canary):
        """Lazy fetching would run what the repository's configuration calls a remote."""
        repository = Repository(below / "promises.git")
        missing = "12" * 20
        repository.commit_tree(
            repository.raw_tree([("100644", "Dockerfile", DOCKERFILE.encode()), ("100644", "x", missing)])
        )
        repository.git("config", "extensions.partialClone", "evil")
        repository.git("config", "remote.evil.promisor", "true")
        repository.git("config", "remote.evil.url", f"ext::sh -c touch% {canary}")
        repository.git("config", "remote.evil.uploadpack", f"touch {canary};")
        repository.git("config", "protocol.ext.allow", "always")
        with pytest.raises(SourceRefused):
            fetched(now, repository)
        assert not canary.exists()

    def test_filters_and_attributes(self, now, below, canary):
        repository = Repository(below / "filters.git")
        pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "a" * 64 + "\nsize 12\n"
        attributes = "* filter=evil eol=crlf ident working-tree-encoding=UTF-16\n"
        files = {"Dockerfile": DOCKERFILE, ".gitattributes": attributes, "motd": "$Id$\n", "big": pointer}
        repository.commit(files)
        for key in ("filter.evil.smudge", "filter.evil.process", "filter.evil.clean"):
            repository.git("config", key, f"touch {canary}")
        recipe = fetched(now, repository)
        # As they are in the tree: no end of line, no keyword, no pointer was replaced.
        sizes = {path: size for path, _, size, _ in recipe.files}
        assert sizes == {path: len(body) for path, body in files.items()}
        assert not canary.exists()

    def test_a_submodule_with_an_option_for_an_address(self, now, below, canary):
        repository = Repository(below / "modules.git")
        modules = f'[submodule "x"]\n path = x\n url = --upload-pack=touch {canary}\n update = !touch {canary}\n'
        head = repository.commit(FILES)
        tree = [
            ("100644", ".gitmodules", b'[submodule "x"]\n path = x\n url = https://example.com/x.git\n'),
            ("100644", "Dockerfile", DOCKERFILE.encode()),
            ("160000", "x", head),
        ]
        repository.commit_tree(repository.raw_tree(tree))
        with pytest.raises(SourceRefused, match="submodule"):
            fetched(now, repository)
        tree[0] = ("100644", ".gitmodules", modules.encode())
        repository.commit_tree(repository.raw_tree(tree))
        with pytest.raises(SourceRefused, match=r"fsck|gitmodules"):
            fetched(now, repository)
        assert not canary.exists()

    def test_a_submodule_that_is_left_out_hurts_nobody(self, now, below):
        repository = Repository(below / "modules.git")
        head = repository.commit(FILES)
        tree = [
            ("100644", ".dockerignore", b"x\n"),
            ("100644", "Dockerfile", DOCKERFILE.encode()),
            ("160000", "x", head),
        ]
        repository.commit_tree(repository.raw_tree(tree))
        assert [row[0] for row in fetched(now, repository).files] == [".dockerignore", "Dockerfile"]


class TestWhatATreeMayHold:
    @pytest.mark.parametrize(
        ("mode", "name", "body", "words"),
        [
            pytest.param("120000", "link", b"/etc/passwd", "link out of the tree", id="absolute-link"),
            pytest.param("120000", "link", b"../../etc/passwd", "link out of the tree", id="link-upwards"),
            pytest.param("120000", "link", b"inside/../../../etc", "link out of the tree", id="link-up-in-the-middle"),
            pytest.param("120000", "link", b"x" * 2000, "cannot be", id="endless-link"),
            pytest.param("100644", "..", b"x", "ended with", id="dot-dot"),
            pytest.param("100644", ".git", b"x", "ended with", id="dot-git"),
            pytest.param("100644", ".GIT", b"x", "ended with", id="dot-git-in-capitals"),
            pytest.param("100644", "a/../../b", b"x", "ended with", id="path-in-a-name"),
            pytest.param("100644", "bell\x07", b"x", "cannot be shown", id="control-character"),
            pytest.param("100644", "back\\slash", b"x", "cannot be shown", id="backslash"),
            pytest.param("100644", "n" * 300, b"x", "too long", id="long-name"),
        ],
    )
    def test_no_name_and_no_link_that_leads_out(self, now, below, mode, name, body, words):
        repository = Repository(below / "names.git")
        rows = [("100644", "Dockerfile", DOCKERFILE.encode()), (mode, name, body)]
        repository.commit_tree(repository.raw_tree(sorted(rows, key=lambda row: row[1])))
        with pytest.raises(SourceRefused, match=words):
            fetched(now, repository)
        assert not Recipe.objects.exists()

    def test_links_inside_the_tree_stay_links(self, now, below, tmp_path):
        repository = Repository(below / "links.git")
        inside = repository.raw_tree([("120000", "self", b"."), ("120000", "up", b"../motd")])
        rows = [
            ("100644", "Dockerfile", DOCKERFILE.encode()),
            ("40000", "d", inside),
            ("100644", "motd", b"Welcome\n"),
        ]
        repository.commit_tree(repository.raw_tree(rows))
        root = unpack_context(fetched(now, repository), tmp_path / "context")
        assert os.readlink(root / "d" / "up") == "../motd"
        assert (root / "d" / "up").read_text() == "Welcome\n"

    def test_a_name_that_is_a_file_and_a_directory(self, now, below):
        repository = Repository(below / "twice.git")
        deep = repository.raw_tree([("100644", "shadow", b"x")])
        rows = [("100644", "Dockerfile", DOCKERFILE.encode()), ("120000", "etc", b"/etc"), ("40000", "etc", deep)]
        repository.commit_tree(repository.raw_tree(rows))
        with pytest.raises(SourceRefused):
            fetched(now, repository)

    def test_a_dockerfile_that_is_a_link_or_no_text(self, now, below):
        repository = Repository(below / "dockerfile.git")
        repository.commit_tree(
            repository.raw_tree([("120000", "Dockerfile", b"real"), ("100644", "real", b"FROM x\n")])
        )
        with pytest.raises(SourceRefused, match="is a link"):
            fetched(now, repository)
        repository.commit({"Dockerfile": b"FROM x\0\n"})
        with pytest.raises(SourceRefused, match="UTF-8"):
            fetch_source(SourceFactory(now, url=repository.url).pk, now=now)
        repository.commit({"Dockerfile": b"FROM \xff\n"})
        with pytest.raises(SourceRefused, match="UTF-8"):
            fetch_source(SourceFactory(now, url=repository.url).pk, now=now)


class TestPlaces:
    def test_a_name_that_decodes_to_a_step_upwards(self, now, below):
        """git decodes ``%2e%2e`` in an address: what was judged must be what it opens."""
        outside = Repository(below.parent / "outside.git")
        outside.commit(FILES)
        for url in (f"{below}/%2e%2e/outside.git", f"{below}/%2E%2E%2Foutside.git"):
            with pytest.raises(SourceRefused):
                fetch_source(SourceFactory(now, url=url).pk, now=now)
        odd = Repository(below / "%2e%2e" / "a name?#%41.git")
        odd.commit(FILES)
        assert fetched(now, odd).files

    def test_a_link_that_leaves_the_listed_directory_later(self, now, below, source, repository):
        outside = below.parent / "moved.git"
        repository.path.rename(outside)
        repository.path.symlink_to(outside)
        with pytest.raises(SourceRefused, match="not fetched from"):
            fetch_source(source.pk, now=now)

    def test_what_is_no_repository(self, now, below):
        (below / "plain").mkdir()
        with pytest.raises(SourceRefused, match="does not appear to be a git repository"):
            fetch_source(SourceFactory(now, url=str(below / "plain")).pk, now=now)

    def test_a_list_of_branches_that_does_not_end(self, now, repository, monkeypatch):
        monkeypatch.setattr(git_trees, "MAX_REFS_BYTES", 1000)
        commit = repository.git("rev-parse", "main")
        lines = "".join(f"{commit} refs/heads/branch-{number}\n" for number in range(100))
        (repository.path / "packed-refs").write_text(lines)
        with pytest.raises(SourceRefused, match="more than 1000 bytes came"):
            fetched(now, repository)


class TestLimits:
    def test_a_file_that_is_too_large(self, now, repository, monkeypatch):
        monkeypatch.setattr(limits, "MAX_FILE_BYTES", 100)
        repository.commit(FILES | {"motd": "x" * 101})
        with pytest.raises(SourceRefused, match="more than 100 bytes"):
            fetched(now, repository)

    def test_files_that_are_too_large_together(self, now, repository, monkeypatch):
        """The same blob a thousand times is small in a pack and large in a context."""
        monkeypatch.setattr(limits, "MAX_TREE_BYTES", 1_000_000)
        repository.commit(FILES | {f"copies/{number}": "x" * 2000 for number in range(501)})
        with pytest.raises(SourceRefused, match="bytes together"):
            fetched(now, repository)

    def test_a_pack_that_does_not_end(self, now, repository, monkeypatch):
        repository.commit(FILES | {"random": os.urandom(3_000_000)})
        monkeypatch.setattr("builds.adapters.git.FETCH_LIMITS", Limits(60, 60, 1 << 30, 1_000_000))
        with pytest.raises(SourceRefused, match="more than 1000000 bytes came"):
            fetched(now, repository)

    def test_a_tree_that_unfolds_without_end(self, now, below):
        """Ten directories of ten times the same directory, ten levels deep: a few hundred bytes, 10^10 files."""
        repository = Repository(below / "bomb.git")
        tree = repository.raw_tree([("100644", f"f{number}", b"x") for number in range(10)])
        for _ in range(9):
            tree = repository.raw_tree([("40000", f"d{number}", tree) for number in range(10)])
        whole = repository.raw_tree([("100644", "Dockerfile", DOCKERFILE.encode()), ("40000", "bomb", tree)])
        repository.commit_tree(whole)
        with pytest.raises(SourceRefused, match="was stopped"):
            fetched(now, repository)

    def test_a_fetch_that_hangs(self, now, repository, monkeypatch):
        (repository.path / "packed-refs").unlink(missing_ok=True)
        os.mkfifo(repository.path / "packed-refs")  # whoever opens it waits for a writer
        monkeypatch.setattr("builds.adapters.git.FETCH_LIMITS", Limits(0.5, 60, 1 << 30, 1_000_000))
        with pytest.raises(SourceRefused, match=r"within 0\.5 seconds"):
            fetched(now, repository)

    def test_a_cancelled_job_stops_it(self, now, source):
        class Stop(Exception):
            pass

        def progress(**_):
            raise Stop

        with pytest.raises(Stop):
            fetch_source(source.pk, now=now, progress=progress)


class TestMovingRefs:
    def test_what_came_is_what_is_read(self, now, source, repository, monkeypatch):
        """The branch moves after it was listed and again after it was fetched: one commit, whole."""

        moved = []
        fetching, reading = git_trees.Git.fetching, git_trees.Git.reading

        def move(verb):
            commit = repository.commit(FILES | {"motd": f"moved by {verb} {len(moved)}\n"})
            moved.append(commit)

        def slow_fetching(self, *arguments, **more):
            said = fetching(self, *arguments, **more)
            move(arguments[0])
            return said

        def slow_reading(self, *arguments, **more):
            move(arguments[0])
            return reading(self, *arguments, **more)

        monkeypatch.setattr(git_trees.Git, "fetching", slow_fetching)
        monkeypatch.setattr(git_trees.Git, "reading", slow_reading)
        recipe = fetch_source(source.pk, now=now)
        assert len(moved) >= 4
        # The commit, its tree and its message are of one moment.
        listed = repository.git("ls-tree", "-r", "--name-only", recipe.commit).splitlines()
        assert [row[0] for row in recipe.files] == sorted(listed)
        said = repository.git("cat-file", "blob", f"{recipe.commit}:motd")
        assert {row[0]: row[2] for row in recipe.files}["motd"] == len(said) + 1

    def test_the_next_fetch_sees_the_move(self, now, source, repository):
        first = fetch_source(source.pk, now=now)
        repository.commit(FILES | {"motd": "Hello\n"})
        second = fetch_source(source.pk, now=now + timedelta(minutes=1))
        assert (first.number, second.number) == (1, 2)
        assert second.commit != first.commit


class TestTheProgram:
    @pytest.mark.parametrize(
        ("said", "is_good"),
        [
            ("git version 2.39.5\n", True),
            ("git version 2.39.3\n", False),
            ("git version 2.39\n", False),
            ("git version 2.30.2\n", False),
            ("git version 2.43.0\n", False),
            ("git version 2.43.7 (Apple Git-1)\n", True),
            ("git version 2.45.1\n", True),
            ("git version 2.46.0.rc1\n", True),
            ("git version 3.0.0\n", True),
            ("git version 1.9.1\n", False),
            ("", False),
        ],
    )
    def test_an_old_git_that_would_ignore_what_holds_it_is_not_used(self, said, is_good):
        assert is_new_enough(said) is is_good
