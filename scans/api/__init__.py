"""The scans' part of ``/api/v1``."""
