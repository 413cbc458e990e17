"""Writes that people and other rooms ask for: jobs, and the schedules that start them."""

from jobs.services.queue import CHANNEL, cancel_job, enqueue, enqueue_many, retry_job, ring
from jobs.services.schedules import change_schedule, enqueue_due, ensure_schedule

__all__ = [
    "CHANNEL",
    "cancel_job",
    "change_schedule",
    "enqueue",
    "enqueue_due",
    "enqueue_many",
    "ensure_schedule",
    "retry_job",
    "ring",
]
