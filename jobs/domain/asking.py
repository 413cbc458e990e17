"""Whose job it is: who may cancel it or have it tried again."""

from dataclasses import dataclass, field

from audit.actor import Actor, ActorKind


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks for something about a job.

    ``answers_for``: every (kind, id) under which the record knows the same person, their tokens among them.
    """

    actor: Actor
    answers_for: frozenset[tuple[str, str]] = field(default_factory=frozenset)
    may_change_all: bool = False  # a platform administrator, or a process of ours

    def may_change(self, asked_by: tuple[str, str] | None) -> bool:
        """Whether a job that ``asked_by`` caused is theirs to stop or to try again. None: a schedule did."""
        if self.may_change_all:
            return True
        if asked_by is None or asked_by[0] not in (ActorKind.PERSON, ActorKind.TOKEN):
            return False
        return asked_by in self.answers_for
