"""The room's job handlers, one module a noun. Each is a shell: ids in, one service call."""

from builds.tasks import (
    attesting,
    causes,
    inspections,
    promotion,
    reproducing,
    running,
    schedules,
    sources,
    taking_in,
    watches,
    waves,
)

__all__ = [
    "attesting",
    "causes",
    "inspections",
    "promotion",
    "reproducing",
    "running",
    "schedules",
    "sources",
    "taking_in",
    "watches",
    "waves",
]
