"""Who did it and to what: the two values that every record names."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class ActorKind(StrEnum):
    """What sort of actor: a person, a service token, a gate, or a process of ours."""

    PERSON = "person"
    TOKEN = "token"  # noqa: S105
    SYSTEM = "system"
    GATE = "gate"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it, as named at that moment: a later change of name does not rewrite the record."""

    kind: str
    id: str
    name: str

    def __post_init__(self) -> None:
        """Raises ValueError for a kind that is not one of ``ActorKind``."""
        ActorKind(self.kind)

    @classmethod
    def system(cls, name: str) -> Self:
        """A process of ours, such as ``worker`` or ``scheduler``."""
        return cls(kind=ActorKind.SYSTEM, id=name, name=name)


@dataclass(frozen=True, slots=True)
class Subject:
    """What it was done to: a kind (``artifact``), its id, and the label that people know it by."""

    kind: str
    id: str
    label: str
