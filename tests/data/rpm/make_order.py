"""Asks a real rpm about pairs of versions and writes its answers (README.md says what is in them).

python make_order.py order.tsv.gz    # needs rpm 4.16 or later in PATH; the same seed draws the same pairs
"""

import gzip
import os
import random
import subprocess  # a tool of the maintainer's own machine
import sys
import tempfile
from pathlib import Path

ASK = """
local sign = {[-1] = "<", [0] = "=", [1] = ">"}
for line in io.lines(os.getenv("PAIRS")) do
  local left, right = line:match("^(.-)\\t(.*)$")
  local answered, order = pcall(rpm.vercmp, left, right)
  print(left .. "\\t" .. (answered and sign[order] or "?") .. "\\t" .. right)
end
"""
STEMS = ["1", "1.0", "1.0.2", "2.34", "7.76.1", "0.9.8", "20240101", "3.0.7", "252", "5.14.0", "9.9p1", "1.2.0rc3"]
RELEASES = [
    "1.el9",
    "18.el9_2",
    "18.el9_2.1",
    "427.13.1.el9_4",
    "2.module+el9.4.0+21+c4",
    "0.1.rc2.el8",
    "1.el10_0.alma.1",
]


def made(draw: random.Random) -> str:
    """A version out of the alphabet that rpm builds from: marks, separators, zeros and words, as they fall."""
    pieces = ["~", "^", ".", "_", "+", "..", "0", "00", "1", "01", "10", "9", "a", "b", "A", "Z", "rc", "el9", "z"]
    text = "".join(draw.choice(pieces) for _ in range(draw.randint(1, 5)))
    if draw.random() < 0.5:
        text += "-" + "".join(draw.choice(pieces) for _ in range(draw.randint(1, 4)))
    return draw.choice(["", "", "", "0:", "00:", "1:", "2:", "4294967295:"]) + text


def real(draw: random.Random) -> str:
    """A version as distributions write them."""
    stem = draw.choice(STEMS)
    if draw.random() < 0.4:
        stem += draw.choice(["~rc1", "~beta", "^20240101git1a2b3c", "^post", ".1", ".10", "a", "_p1", "+git1"])
    return draw.choice(["", "", "0:", "1:", "32:"]) + stem + "-" + draw.choice(RELEASES)


def changed(draw: random.Random, version: str) -> str:
    """A version one character away."""
    place = draw.randrange(len(version))
    piece = draw.choice(["", "~", "^", ".", "0", "1", "a", "9", "_"])
    return version[:place] + piece + version[place + draw.randint(0, 1) :]


def edges(draw: random.Random) -> str:
    """Numbers where a machine's own would end, with and without leading zeros."""
    power = draw.choice([8, 16, 31, 32, 63, 64, 128])
    number = str(2**power + draw.randint(-1, 1))
    return draw.choice(["", "0:", "1:"]) + draw.choice(["", "0", "000", "1."]) + number + draw.choice(["", "-1", "a-1"])


def pairs(draw: random.Random) -> list[tuple[str, str]]:
    """Every pair that is asked about, each once, in order."""
    found = {(made(draw), made(draw)) for _ in range(9000)}
    for kind in (made, real):
        for _ in range(5000):
            one = kind(draw)
            found.add((one, changed(draw, one)))
    found |= {(real(draw), real(draw)) for _ in range(5000)}
    found |= {(edges(draw), edges(draw)) for _ in range(1500)}
    found |= {(made(draw), made(draw) + draw.choice(["é", "\u0663", " ", "/", "%", ":1", "-1-1"])) for _ in range(300)}
    short = [
        "1",
        "0",
        "a",
        "~",
        "^",
        "1~",
        "1^",
        "1~^",
        "1^~",
        "~~",
        "^^",
        "1.",
        ".1",
        "1a",
        "a1",
        "1-0",
        "1-~",
        "1-^",
        "1^-1",
    ]
    found |= {(one, other) for one in short for other in short}
    return sorted(found)


def main(target: Path) -> None:
    """Draw, ask, write."""
    with tempfile.TemporaryDirectory() as directory:
        asked, asking = Path(directory, "pairs.tsv"), Path(directory, "ask.lua")
        asked.write_text("".join(f"{left}\t{right}\n" for left, right in pairs(random.Random(418))))
        asking.write_text(ASK)
        answer = subprocess.run(
            ["rpmlua", str(asking)], check=True, capture_output=True, env={**os.environ, "PAIRS": str(asked)}
        )
    lines = [line for line in answer.stdout.decode().splitlines() if "\t?\t" not in line]  # rpm itself refuses ""
    target.write_bytes(gzip.compress(("\n".join(lines) + "\n").encode(), mtime=0))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
