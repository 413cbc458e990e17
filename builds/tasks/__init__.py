"""The room's job handlers, one module a noun. Each is a shell: ids in, one service call."""

from builds.tasks import causes, inspections, running, schedules, sources, taking_in, watches

__all__ = ["causes", "inspections", "running", "schedules", "sources", "taking_in", "watches"]
