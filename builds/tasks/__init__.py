"""The room's job handlers, one module a noun. Each is a shell: ids in, one service call."""

from builds.tasks import taking_in

__all__ = ["taking_in"]
