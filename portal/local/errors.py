"""Why a local server cannot start: one sentence each, and the cure."""


class CannotStart(Exception):
    """The start ends here. ``str`` is the one line that is printed."""
