"""Composition root: settings, urls, the Celery app, what happens when, who may do what."""
