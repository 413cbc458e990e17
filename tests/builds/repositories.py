"""Git repositories for tests, made with git itself; hostile ones with its plumbing.

repository = Repository(tmp_path / "base.git")
repository.commit({"Dockerfile": "FROM scratch\n"}) -> commit id, on main
repository.raw_tree([("120000", "link", b"/etc/passwd")]) -> tree id, whatever git would say of it
"""

import os
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

AUTHOR = ("Anna Author", "anna@example.com")
WHEN = "2026-11-01T10:00:00+00:00"


class Repository:
    """One bare repository that a source may name."""

    def __init__(self, path: Path, *, object_format: str = "sha1") -> None:
        self.path = path
        path.mkdir(parents=True)
        self.git("init", "--quiet", "--bare", "--initial-branch=main", f"--object-format={object_format}")

    @property
    def url(self) -> str:
        """What a source's address says."""
        return str(self.path)

    def git(self, *arguments: str, stdin: bytes = b"", **environment: str) -> str:
        """Run git in it; what it said."""
        name, email = AUTHOR
        variables = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.path),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": name,
            "GIT_AUTHOR_EMAIL": email,
            "GIT_AUTHOR_DATE": WHEN,
            "GIT_COMMITTER_NAME": name,
            "GIT_COMMITTER_EMAIL": email,
            "GIT_COMMITTER_DATE": WHEN,
            **environment,
        }
        command = ["git", f"--git-dir={self.path}", *arguments]
        ended = subprocess.run(command, input=stdin, env=variables, capture_output=True, check=False)
        assert ended.returncode == 0, (arguments, ended.stderr.decode("utf-8", "replace"))
        return ended.stdout.decode().strip()

    def blob(self, body: bytes) -> str:
        """Store ``body``."""
        return self.git("hash-object", "-w", "--stdin", "-t", "blob", stdin=body)

    def raw_tree(self, entries: Iterable[tuple[str, str, bytes | str]]) -> str:
        """A tree of ``(mode, name, body or object id)``, byte for byte, without git's own checks."""
        rows = []
        for mode, name, body in entries:
            object_id = self.blob(body) if isinstance(body, bytes) else body
            rows.append(f"{mode} {name}".encode() + b"\0" + bytes.fromhex(object_id))
        return self.git("hash-object", "-w", "--stdin", "--literally", "-t", "tree", stdin=b"".join(rows))

    def commit_tree(self, tree: str, *, ref: str = "refs/heads/main", flags: tuple[str, ...] = (), **who: str) -> str:
        """Commit ``tree`` and let ``ref`` name it."""
        commit = self.git("commit-tree", tree, "-m", "A change", *flags, **who)
        self.git("update-ref", ref, commit)
        return commit

    def commit(
        self,
        files: Mapping[str, str | bytes],
        *,
        ref: str = "refs/heads/main",
        programs: tuple[str, ...] = (),
        **who: str,
    ) -> str:
        """Commit exactly ``files`` (path to text) and let ``ref`` name it."""
        return self.commit_tree(self.tree(files, programs=programs), ref=ref, **who)

    def tree(self, files: Mapping[str, str | bytes], *, programs: tuple[str, ...] = ()) -> str:
        """The tree of ``files``."""
        rows, below = {}, {}
        for path, body in files.items():
            first, _, rest = path.partition("/")
            if rest:
                below.setdefault(first, {})[rest] = body
            else:
                mode = "100755" if path in programs else "100644"
                rows[first] = (mode, first, body.encode() if isinstance(body, str) else body)
        for name, inside in below.items():
            deeper = tuple(one.removeprefix(f"{name}/") for one in programs if one.startswith(f"{name}/"))
            rows[name] = ("40000", name, self.tree(inside, programs=deeper))
        # git's order: a directory sorts as if its name ended with a slash.
        order = sorted(rows.values(), key=lambda row: row[1] + ("/" if row[0] == "40000" else ""))
        return self.raw_tree(order)
