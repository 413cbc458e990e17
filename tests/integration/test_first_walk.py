"""docs/how-to/first-walk.md, walked: its commands are taken from the page, in its order, against a real demo."""

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.stack import PROJECT, Member, Stack, eventually, own_home, running

pytestmark = pytest.mark.integration

PAGE = (PROJECT / "docs" / "how-to" / "first-walk.md").read_text()
REBUILT = "sha256:85b126893f21b03974f4c8e4e87883c7ec2239f8bfd714a69874c53ef5941e13"


@pytest.fixture(scope="module")
def demo() -> Iterator[Stack]:
    with own_home() as home, running(home, "--demo") as stack:
        yield stack


def person(demo: Stack, name: str) -> Member:
    """One of the three, with the password that was printed."""
    line = next(line for line in demo.said if line.strip().startswith(f"{name} "))
    return Member.with_password(demo.url, name, line.split()[1])


def commands() -> list[tuple[list[str], int]]:
    """The words of each ``script/goldgate`` on the page, and the exit status that it promises."""
    found = []
    for line in re.findall(r"script/goldgate ([^`\n]*(?:\n[^`\n]*)?`|[^`\n]*)", PAGE):
        words, _, promise = line.rstrip("`").partition("#")
        status = re.search(r"exit status (\d)", promise)
        found.append((shlex.split(words), int(status[1]) if status else 0))
    return found


class TestFirstWalk:
    def test_as_the_page_says_it(self, demo: Stack, tmp_path: Path):
        pat, sam = person(demo, "pat"), person(demo, "sam")
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GOLDGATE_")}
        environment = kept | {"XDG_CONFIG_HOME": str(tmp_path), "NO_COLOR": "1"}

        def typed(words: list[str], stdin: str = "") -> "subprocess.CompletedProcess[str]":
            command = [PROJECT / "script" / "goldgate", *words]
            return subprocess.run(
                command, env=environment, cwd=PROJECT, input=stdin, capture_output=True, text=True, check=False
            )

        def typed_from_the_page(verb: str, **replaced: str) -> str:
            said = ""
            for words, status in commands():
                if words[: len(verb.split())] != verb.split():
                    continue
                ran = typed([replaced.get(word, word) for word in words], stdin=pat.token)
                assert ran.returncode == status, (words, ran.stdout, ran.stderr)
                said += ran.stdout
            assert said or verb == "login", f"the page has no {verb}"
            return said

        for name in ("pat", "rita", "sam"):
            assert f"`{name}`" in PAGE
        states = {row["name"]: row["state"] for row in pat.get("images/debian/12")["history"]}
        assert (states["12-rebuilt"], states["12-old"]) == ("certified", "rejected")

        # Here standard input is no terminal, and the port is another one.
        signed_in = typed(["login", demo.url, "--token-stdin"], stdin=pat.token)
        assert signed_in.returncode == 0, signed_in.stderr
        assert commands()[0][0][0] == "login"
        assert REBUILT in typed_from_the_page("check"), "what to use instead"
        imported = typed_from_the_page("import")
        digest = re.search(r"sha256:[0-9a-f]{64}", imported)
        assert digest

        pat.wait_for_scan(digest[0])
        subversion = pat.post("images/debian/12/subversions", {"digest": digest[0]})
        pat.wait_for_evidence(digest[0])
        proposal = pat.post("proposals", {"subversion": subversion["id"]})
        own = {"outcome": "approve", "packet_sha256": proposal["packet_sha256"], "reason": "Mine."}
        pat.act(f"proposals/{proposal['id']}/reviews", own, expect=403)

        rebuilt = next(row for row in pat.get("images/debian/12")["history"] if row["name"] == "12-rebuilt")
        sam.act(f"subversions/{rebuilt['id']}/revoke", {"reason": "The build host was compromised."})
        allowed = ["check", "-f", "demo/allowed.yaml"]
        eventually(lambda: typed(allowed).returncode == 1, seconds=60, what="the refusal after the revocation")

        export = tmp_path / "record.ndjson"
        assert typed(["audit", "export", str(export)]).returncode == 0
        said = typed_from_the_page("audit verify", FILE=str(export), **{"var/demo-checkpoints": checkpoints(demo)})
        assert said.startswith("The record is whole")


def checkpoints(demo: Stack) -> str:
    """The sink, which the page names where ``script/server --demo`` puts it; it has one within a minute."""
    sink = demo.home.parent / f"{demo.home.name}-checkpoints"
    eventually(lambda: list(sink.glob("*.json")), seconds=180, what="a checkpoint")
    return str(sink)
