"""What jobs need from outside: Celery's broker, as a doorbell."""
