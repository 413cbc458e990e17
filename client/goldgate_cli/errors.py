"""Why a command ends early, each with the exit status that scripts rely on (README.md)."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit statuses. Stable: CI jobs branch on them."""

    ALLOWED = 0
    DENIED = 1
    USAGE = 2
    UNREACHABLE = 3
    NOT_PERMITTED = 4


class CommandError(Exception):
    """Ends the command with ``status``; ``str`` is what the person reads."""

    status = Exit.USAGE


class Unreachable(CommandError):
    """No answer, or one that is not Goldgate's."""

    status = Exit.UNREACHABLE


class NotPermitted(CommandError):
    """Not signed in (401), or signed in without the role (403)."""

    status = Exit.NOT_PERMITTED


class Refused(CommandError):
    """Goldgate understood and said no."""

    status = Exit.DENIED


class WrongInput(CommandError):
    """Goldgate could not use what was sent: the field and the cure are in the text."""

    status = Exit.USAGE


class Missing(WrongInput):
    """There is nothing of that name (404)."""
