"""The room's job handlers, one module a noun. Each is a shell: ids in, one service call."""

from builds.tasks import running, schedules, taking_in, watches

__all__ = ["running", "schedules", "taking_in", "watches"]
