"""Figures of the room ``builds``: ``python -m bench.builds [inspection | scheduling]``."""
