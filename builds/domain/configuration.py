"""What an image's configuration says of how it runs, so that it can be compared (OCI image-spec v1.1, config.md)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_SECRET_NAME = re.compile(r"PASSW(OR)?D|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY|ACCESS_?KEY|CREDENTIAL", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RunConfiguration:
    """The part ``config`` of a configuration. What is of another type than the spec says counts as absent."""

    user: str = ""  # as written
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict, hash=False)
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    ports: tuple[str, ...] = ()  # "80/tcp", sorted
    volumes: tuple[str, ...] = ()  # sorted
    working_dir: str = ""
    stop_signal: str = ""

    @property
    def is_root(self) -> bool:
        """Whether it runs as user 0 where nobody says otherwise. A name other than ``root`` cannot be told."""
        return self.user.partition(":")[0] in ("", "0", "root")


def is_secret_name(name: str) -> bool:
    """Whether a variable's name says that its value is nobody's business."""
    return bool(_SECRET_NAME.search(name)) and not name.upper().endswith(("_FILE", "_PATH", "_DIR"))


def read_run_configuration(config: Mapping[str, Any]) -> RunConfiguration:
    """The comparable form of a configuration's ``config`` object."""
    return RunConfiguration(
        user=_text(config.get("User")),
        entrypoint=_texts(config.get("Entrypoint")),
        cmd=_texts(config.get("Cmd")),
        env=_variables(_texts(config.get("Env"))),
        labels=_mapping(config.get("Labels")),
        ports=tuple(sorted(_mapping(config.get("ExposedPorts")))),
        volumes=tuple(sorted(_mapping(config.get("Volumes")))),
        working_dir=_text(config.get("WorkingDir")),
        stop_signal=_text(config.get("StopSignal")),
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def _mapping(value: Any) -> dict[str, str]:
    return {name: _text(one) for name, one in value.items()} if isinstance(value, dict) else {}


def _variables(rows: tuple[str, ...]) -> dict[str, str]:
    parts = [row.partition("=") for row in rows]
    return {name: value for name, _, value in parts}
