"""What a directory says of one person."""

from dataclasses import dataclass
from typing import Protocol

from accounts.roles import Role


@dataclass(frozen=True, slots=True)
class Entry:
    """One person as the directory has them now. ``identity`` never changes there, whatever else does."""

    identity: str
    username: str
    display_name: str
    email: str
    roles: frozenset[Role]


class Directory(Protocol):
    """A directory that can be asked for a person without their password."""

    def find(self, username: str) -> Entry | None:
        """The person of that name; None when there is none. Raises DirectoryUnavailable."""
        ...
