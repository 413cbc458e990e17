"""The Celery app. Redis and Celery are the doorbell; PostgreSQL holds the queue (docs/adr/0002)."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.production")

celery_app = Celery("goldgate")
celery_app.config_from_object("django.conf:settings", namespace="CELERY")
celery_app.autodiscover_tasks(["jobs"], related_name="celery_tasks")
