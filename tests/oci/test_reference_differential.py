"""Every reference that we read, Go's distribution/reference reads the same, and the other way round."""

import json
import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from oci.errors import MalformedReference
from oci.reference import Completion, Reference

ROOT = Path(__file__).parents[2]
TOOLS = Path(os.environ.get("GOLDGATE_TOOLS", Path.home() / ".cache" / "goldgate-tools"))
COUNT = 30_000
SEED = 20_261_124
HEX64 = "0123456789abcdef" * 4

GOOD_HOSTS = ["docker.io", "localhost", "localhost:5000", "ghcr.io", "a.b", "a.b:443", "registry.example:99999"]
GOOD_HOSTS += ["127.0.0.1:5000", "[::1]", "[::1]:5000", "xn--80ak6aa92e.com", "1.2", "index.docker.io"]
BAD_HOSTS = ["A.b", "a.b:0443", "[fe80::1%eth0]", "a-.b", "-a.b", "a..b", "a_b.c", "Upper", "upper", "host:", ":5000"]
BAD_HOSTS += ["[", "a.b:port", "EXAMPLE:80", "é.fr"]
GOOD_PATHS = ["debian", "library/debian", "a/b/c", "a__b", "a--b", "a.b", "a_b", "x" * 128, "a/" * 127 + "a", "library"]
GOOD_PATHS += ["docker.io", "localhost", "team/app-1.2", "0/1/2", HEX64[:63]]
BAD_PATHS = [
    "a___b",
    "a..b",
    "_a",
    "a_",
    "a-",
    "-a",
    "a/",
    "/a",
    "a//b",
    "A/b",
    "a/B",
    "a/" * 128 + "a",
    "",
    "a b",
    "a\n",
]
BAD_PATHS += ["ａ", "İ", HEX64, HEX64.upper()]
GOOD_TAGS = ["", ":latest", ":1.2.3", ":_x", ":X-1_2.3", ":" + "t" * 128]
BAD_TAGS = [":-x", ":.x", ":" + "t" * 129, ":", "::", ":a:b", ":a/b", ":latest\n", ": x", ":é", ":5000/x"]
GOOD_DIGESTS = ["", "", "@sha256:" + HEX64, "@sha512:" + HEX64 * 2]
BAD_DIGESTS = [
    "@sha256:" + HEX64.upper(),
    "@sha256:" + HEX64[:63],
    "@sha512:" + HEX64,
    "@md5:" + HEX64[:32],
    "@",
    "@sha256:",
]
BAD_DIGESTS += ["@sha256:" + HEX64 + "\n", "@SHA256:" + HEX64, "@a+b:" + HEX64, "@sha256:" + "g" * 64]
BAD_DIGESTS += ["@sha256:" + HEX64 + "@sha256:" + HEX64, "@sha1:" + HEX64[:40], "@sha384:" + HEX64 + HEX64[:32]]
HOSTS, PATHS = GOOD_HOSTS + BAD_HOSTS, GOOD_PATHS + BAD_PATHS
TAGS, DIGESTS = GOOD_TAGS + BAD_TAGS, GOOD_DIGESTS + BAD_DIGESTS
ALPHABET = "ab0Z._-:/@[]%+ \n\t\x00éKſ"


def generated() -> list[str]:
    """References put together from parts, most of them then damaged a little; the same ones every time."""
    dice = random.Random(SEED)
    found: dict[str, None] = {}
    for host in ["", *HOSTS]:
        for path in PATHS:
            for end in ("", ":latest", "@sha256:" + HEX64):
                found[(f"{host}/" if host else "") + path + end] = None
    while len(found) < COUNT:
        is_good = dice.random() < 0.5
        hosts, paths = (GOOD_HOSTS, GOOD_PATHS) if is_good else (HOSTS, PATHS)
        tags, digests = (GOOD_TAGS, GOOD_DIGESTS) if is_good else (TAGS, DIGESTS)
        host = dice.choice(["", *hosts])
        path = dice.choice(paths) + dice.choice(["", "", "/" + dice.choice(paths)])
        text = (f"{host}/" if host else "") + path + dice.choice(tags) + dice.choice(digests)
        for _ in range(dice.choice([0, 0, 1] if is_good else [0, 1, 2, 4])):
            at = dice.randrange(len(text) + 1)
            text = text[:at] + dice.choice(["", *ALPHABET]) + text[at + dice.choice([0, 1]) :]
        found[text] = None
    return list(found)


@pytest.fixture(scope="module")
def oracle() -> str:
    """Go's parser: built by script/test, or here when Go is at hand."""
    binary = TOOLS / "goldgate-reference"
    source = ROOT / "script" / "tools" / "reference"
    if binary.exists() and binary.stat().st_mtime > (source / "main.go").stat().st_mtime:
        return str(binary)
    go = shutil.which("go", path=f"{os.environ.get('PATH', '')}:/usr/local/go/bin")
    if go is None:
        pytest.skip("LEFT OUT: Go is not installed, so nothing compares our reference parser with Go's")
    TOOLS.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "CGO_ENABLED": "0"}
    command = [go, "build", "-trimpath", "-o", f"{binary}.{os.getpid()}", "."]
    subprocess.run(command, cwd=source, env=environment, check=True)
    os.replace(f"{binary}.{os.getpid()}", binary)
    return str(binary)


REFUSED = {"accepted": False, "domain": "", "path": "", "tag": "", "digest": "", "normalized": ""}


def is_refused_by_us_alone(go: dict) -> bool:
    """The two places where we refuse more: sha384 (not registered by the OCI), and a name that is in no registry."""
    return go["accepted"] and (go["domain"] == "" or go["digest"].startswith("sha384:"))


def ours(text: str) -> dict:
    try:
        found = Reference.parse(text, completion=Completion.DOCKER)
    except MalformedReference:
        return REFUSED
    digest = str(found.digest) if found.digest else ""
    return {
        "accepted": True,
        "domain": found.registry,
        "path": found.repository,
        "tag": found.tag,
        "digest": digest,
        "normalized": str(found),
    }


def test_every_generated_reference_is_read_as_go_reads_it(oracle):
    texts = generated()
    asked = "".join(json.dumps(text) + "\n" for text in texts)
    answer = subprocess.run([oracle], input=asked.encode(), capture_output=True, check=True).stdout
    theirs = [json.loads(line) for line in answer.splitlines()]

    assert len(theirs) == len(texts) >= 20_000
    different = [
        (text, go, mine)
        for text, go in zip(texts, theirs, strict=True)
        if (mine := ours(text)) != (REFUSED if is_refused_by_us_alone(go) else go)
    ]
    assert different[:5] == []
    assert 2000 < sum(go["accepted"] for go in theirs) < len(texts) - 2000  # the generator makes both kinds
    for text, go in zip(texts, theirs, strict=True):
        if Reference.is_canonical(text):
            assert go["normalized"] == text
