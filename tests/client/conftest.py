"""The command, run in this process as ``goldgate …`` runs."""

import io
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from goldgate_cli.__main__ import main

from tests.client.stand_in import TOKEN, StandIn, stand_in


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it said."""

    status: int
    out: str
    err: str


@pytest.fixture
def portal() -> Iterator[StandIn]:
    with stand_in() as known:
        yield known


@pytest.fixture
def config_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where ``goldgate login`` keeps what it keeps; nobody has signed in."""
    for name in ("GOLDGATE_URL", "GOLDGATE_TOKEN", "GOLDGATE_CA_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path / "config"


@pytest.fixture
def run(config_home, monkeypatch, capsys) -> Callable[..., Ran]:
    """Run a command. Whatever it says, it never says the token."""

    def act(*arguments: str, stdin: bytes = b"") -> Ran:
        monkeypatch.setattr(sys, "argv", ["goldgate", *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        assert TOKEN not in said.out + said.err
        assert "Traceback" not in said.err
        return Ran(int(ended.value.code or 0), said.out, said.err)

    return act


@pytest.fixture
def signed_in(portal: StandIn, config_home, monkeypatch) -> StandIn:
    """The stand-in, and a token for it."""
    monkeypatch.setenv("GOLDGATE_URL", portal.url)
    monkeypatch.setenv("GOLDGATE_TOKEN", TOKEN)
    return portal
