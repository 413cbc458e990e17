"""docs/reference/command.md and client/README.md say what the command does: help texts and samples are compared."""

import hashlib
import re
import shlex
from pathlib import Path

import click
import pytest
import yaml
from goldgate_cli.__main__ import command

from tests.client import (
    builds_answers,
    diff_answers,
    dockerfile_answers,
    provenance_answers,
    renewal_answers,
    sbom_answers,
    sources_answers,
    supply_answers,
)
from tests.client.exports import KEY, Export, canonical, lines_of
from tests.client.stand_in import TOKEN, Answer, StandIn
from tests.client.test_statuses import API, GOOD, JOB, REFERENCE, VERDICT

PROJECT = Path(__file__).parents[2]
PAGE = PROJECT / "docs" / "reference" / "command.md"
TEXT = PAGE.read_text()
ROOT = b"root"
GROUPS = [
    (),
    ("audit",),
    ("builds",),
    ("catalog",),
    ("gate",),
    ("recipes",),
    ("registry",),
    ("sbom",),
    ("sources",),
    ("upstream",),
    ("waivers",),
    ("waves",),
]  # they do nothing themselves
# What a pipeline puts there when it runs.
SUBSTITUTES = {"$GOLDGATE_SOURCE": "01980000-0000-7000-8000-000000000001"}
WORDS = {"FINGERPRINT": hashlib.sha256(ROOT).hexdigest(), "KEY": KEY.public.hex()}


def commands(group: click.Command = command, *above: str) -> list[tuple[str, ...]]:
    """Every command, as the words that are typed."""
    found = [above]
    for name, one in sorted(getattr(group, "commands", {}).items()):
        found += commands(one, *above, name)
    return found


def sections() -> dict[tuple[str, ...], str]:
    parts = re.split(r"(?m)^## goldgate(.*)$", TEXT)
    return {tuple(parts[at].split()): parts[at + 1] for at in range(1, len(parts), 2)}


def samples() -> list[tuple[str, str, int]]:
    """Each sample's command line, what it shows, and its exit status."""
    found = []
    for block in re.findall(r"(?ms)^```console\n\$ goldgate (.*?)^```$", TEXT):
        shown, _, status = block.partition("$ echo $?\n")
        line, _, said = shown.partition("\n")
        found.append((line, said, int(status or 0)))
    return found


class TestReference:
    def test_every_command_has_its_section_and_nothing_else_has(self):
        assert set(sections()) == set(commands())

    @pytest.mark.parametrize("words", commands(), ids=" ".join)
    def test_its_help_is_the_programs_own(self, run, words):
        block = re.search(r"(?ms)^```text\n(.*?)^```$", sections()[words])
        assert block
        assert block[1] == run(*words, "--help").out

    @pytest.mark.parametrize("words", [words for words in commands() if words not in GROUPS], ids=" ".join)
    def test_it_has_a_sample(self, words):
        assert re.search(rf"(?m)^\$ goldgate {' '.join(words)}( |$)", sections()[words])

    @pytest.mark.parametrize(("line", "shown", "status"), samples(), ids=lambda value: str(value)[:30])
    def test_samples_are_true(self, run, signed_in, tmp_path, monkeypatch, line, shown, status):
        monkeypatch.chdir(tmp_path)
        signed_in.answers = sample_answers(is_refused=bool(status))
        sample_files(tmp_path)
        monkeypatch.setenv("GOLDGATE_ID_TOKEN", "a.b.c")
        stdin = b""
        if line.endswith(" < token"):
            line, stdin = line.removesuffix(" < token"), TOKEN.encode()
        words = [WORDS.get(word, word) for word in shlex.split(line)]
        ran = run(*(word.replace("https://goldgate.example", signed_in.url) for word in words), stdin=stdin)
        assert ran.status == status
        assert said(ran.out + ran.err, signed_in, tmp_path) == shown.rstrip("\n")


def said(text: str, portal: StandIn, directory: Path) -> str:
    text = text.replace(portal.url, "https://goldgate.example").replace(str(directory), "/home/pat")
    return "\n".join(line.rstrip() for line in text.rstrip("\n").split("\n"))


def sample_answers(*, is_refused: bool) -> dict[str, Answer | list[Answer]]:
    checks = [
        {"outcome": "pass", "code": "reference", "reason": "It names a digest.", "remedy": ""},
        {"outcome": "fail", "code": "approved", "reason": "debian/12 12.0 was revoked: The build host was compromised.",
         "remedy": f"Use {REFERENCE}"},
    ]  # fmt: skip
    old = REFERENCE.replace("ab", "cd")
    images = [
        {"image": REFERENCE, "allowed": True, "path": "spec.containers[0].image", "checks": []},
        {"image": old, "allowed": False, "path": "spec.initContainers[0].image", "checks": checks},
    ]
    running = JOB | {
        "state": "running",
        "progress": {"done": 1, "total": 2, "unit": "", "text": "Fetching layer 1 of 2"},
    }
    return (
        GOOD
        | builds_answers.answers()
        | sources_answers.answers()
        | supply_answers.answers()
        | renewal_answers.answers(is_refused=is_refused)
        | sbom_answers.answers()
        | {
            f"POST {API}/decisions": Answer(VERDICT | {"allowed": False, "images": images} if is_refused else VERDICT),
            f"POST {API}/dockerfile-checks": Answer(dockerfile_answers.answer()),
            f"GET {API}/differences": diff_answers.answer(),
            f"GET {API}/artifacts/{provenance_answers.DIGEST}/provenance": provenance_answers.answer(),
            f"GET {API}/jobs/j1": [Answer(running), Answer(JOB)],
            "GET /tuf/metadata/1.root.json": Answer(ROOT),
            f"POST {API}/gates": Answer(
                {"gate_id": "0199-g", "cluster": "east", "token": "ggg_x", "metadata_url": ""}, 201
            ),
        }
    )  # type: ignore[return-value]


def sample_files(directory: Path) -> None:
    (directory / "pod.yaml").write_text("kind: Pod\n")
    (directory / "attestation.json").write_text("{}")
    (directory / "provenance.json").write_text("{}")
    (directory / "ours.toml").write_text('name = "ours"\n')
    (directory / "Dockerfile").write_text(dockerfile_answers.TEXT)
    (directory / "debian.oci.tar").write_bytes(b"")
    (directory / "sink").mkdir()
    export = Export(4, 1, 4)
    (directory / "sink" / "000000000003.json").write_bytes(canonical(export.from_the_sink()))
    lines = lines_of(export.rows())
    (directory / "record.ndjson").write_bytes(b"".join(lines))
    (directory / "cut.ndjson").write_bytes(b"".join(lines[:-3]))


class TestReadme:
    def test_its_list_of_commands_is_the_programs_own(self, run):
        listed = re.search(r"(?ms)^```text\n(.*?)^```$", (PROJECT / "client" / "README.md").read_text())
        assert listed
        assert listed[1] == run("--help").out


def shown_anywhere() -> list[tuple[str, list[str]]]:
    """Every command line in a block of code of any page: the page, and the words."""
    found = []
    for page in [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("**/*.md"))]:
        for block in re.findall(r"(?ms)^ *```(?:sh|console)\n(.*?)^ *```$", page.read_text()):
            for line in block.replace("\\\n", " ").splitlines():
                typed = re.match(r"\s*(?:\$ )?(?:docker compose run --rm \w+ )?(?:script/)?goldgate\s+(.*)", line)
                if typed:
                    found.append((page.name, shlex.split(re.split(r"\s[#|<>]", typed[1])[0])))
    return found


def shown_in_pipelines() -> list[tuple[str, list[str]]]:
    """Every command line in the files that are to be copied into a pipeline: the file, and the words."""
    found = []
    for path in sorted((PROJECT / "docs" / "how-to").glob("*.yml")):
        for line in re.findall(r"(?m)(?:run:|-) goldgate (.*)$", path.read_text()):
            found.append((path.name, shlex.split(line.partition("||")[0])))
    return found


class TestPipelines:
    def test_there_are_some(self):
        assert {"github-submit.yml", "gitlab-submit.yml", "github-check-dockerfile.yml"} <= {
            name for name, _ in shown_in_pipelines()
        }

    @pytest.mark.parametrize("name", sorted({name for name, _ in shown_in_pipelines()}))
    def test_is_yaml_and_names_no_secret_of_goldgate_where_it_submits(self, name):
        text = (PROJECT / "docs" / "how-to" / name).read_text()
        assert yaml.safe_load(text)
        assert "GOLDGATE_TOKEN" not in text or "submit" not in name

    @pytest.mark.parametrize(("name", "words"), shown_in_pipelines(), ids=lambda value: str(value)[:40])
    def test_what_it_runs_can_be_typed(self, name, words):
        one: click.Command = command
        words = [SUBSTITUTES.get(word, word) for word in words]
        while words and words[0] in getattr(one, "commands", {}):
            one, words = one.commands[words[0]], words[1:]  # type: ignore[attr-defined]
        # Under its parent: click keeps the help option it makes first, with the names that this context gives it.
        one.make_context(one.name, words, parent=click.Context(command, **command.context_settings))


class TestEveryPage:
    def test_there_are_some(self):
        assert {"README.md", "connect-a-cluster.md", "command.md"} <= {page for page, _ in shown_anywhere()}

    @pytest.mark.parametrize(("page", "words"), shown_anywhere(), ids=lambda value: str(value)[:40])
    def test_what_it_shows_can_be_typed(self, page, words):
        one: click.Command = command
        while words and words[0] in getattr(one, "commands", {}):
            one, words = one.commands[words[0]], words[1:]  # type: ignore[attr-defined]
        assert not hasattr(one, "commands"), f"{page}: no command"
        known = {option for parameter in one.params for option in parameter.opts} | {"-o", "-h", "--help"}
        for word in words:
            assert not word.startswith("-") or word == "-" or word.split("=")[0] in known, f"{page}: {word}"
