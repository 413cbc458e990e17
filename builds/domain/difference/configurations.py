"""What changed in how the image says that it runs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from builds.domain.configuration import RunConfiguration, is_secret_name

# Written anew at every build: when, from which commit, under which version.
_BOOKKEEPING = "org.opencontainers.image."
_HIDDEN = "(not shown)"


@dataclass(frozen=True, slots=True)
class ConfigurationChange:
    """One field that changed; ``name`` of a variable, a label, a port or a volume. None: it was, or is, not there."""

    field: str
    name: str
    older: str | list[str] | None
    newer: str | list[str] | None

    @property
    def is_bookkeeping(self) -> bool:
        """Whether it is a label that says when and from what an image was built, and nothing of how it runs."""
        return self.field == "label" and self.name.startswith(_BOOKKEEPING)


def compare_configurations(older: RunConfiguration, newer: RunConfiguration) -> tuple[ConfigurationChange, ...]:
    """Every field that changed. Values of variables that are called a secret are not shown."""
    changes: list[ConfigurationChange] = []
    for name in ("user", "working_dir", "stop_signal"):
        before, after = getattr(older, name), getattr(newer, name)
        if before != after:
            changes.append(ConfigurationChange(name, "", before, after))
    for name in ("entrypoint", "cmd"):
        before, after = getattr(older, name), getattr(newer, name)
        if before != after:
            changes.append(ConfigurationChange(name, "", list(before), list(after)))
    changes += _by_name("env", older.env, newer.env)
    changes += _by_name("label", older.labels, newer.labels)
    changes += _by_name("port", dict.fromkeys(older.ports, ""), dict.fromkeys(newer.ports, ""))
    changes += _by_name("volume", dict.fromkeys(older.volumes, ""), dict.fromkeys(newer.volumes, ""))
    return tuple(changes)


def _by_name(field: str, older: Mapping[str, str], newer: Mapping[str, str]) -> Iterator[ConfigurationChange]:
    for name in sorted(older.keys() | newer.keys()):
        before, after = older.get(name), newer.get(name)
        if before == after:
            continue
        if field == "env" and is_secret_name(name):
            before, after = (None if one is None else _HIDDEN for one in (before, after))
        yield ConfigurationChange(field, name, before, after)
