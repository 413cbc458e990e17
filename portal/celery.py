"""The Celery app. Redis and Celery are the doorbell; PostgreSQL holds the queue (docs/adr/0002)."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.production")

celery_app = Celery("goldgate")
celery_app.config_from_object("django.conf:settings", namespace="CELERY")
celery_app.autodiscover_tasks(["jobs"], related_name="celery_tasks")
# A Redis that takes connections and answers nothing must not hold the relay or a worker for ever; the
# worker's own blocking read lasts 1 s, so that 10 s of silence is not idleness.
celery_app.conf.broker_transport_options = {
    "socket_connect_timeout": 5,  # seconds
    "socket_timeout": 10,  # seconds
    "socket_keepalive": True,
    "retry_on_timeout": True,
}
# For ever, with growing pauses: a worker outlives any outage of its broker.
celery_app.conf.broker_connection_max_retries = None
# One that is told of a lost connection goes on with the job in hand: its lease is what counts.
celery_app.conf.worker_cancel_long_running_tasks_on_connection_loss = False
# A message is dropped when it is taken (no acks_late): the row says what is still to be done.
celery_app.conf.task_acks_late = False
