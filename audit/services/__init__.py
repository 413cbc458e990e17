"""Writes of the record: deeds, seals and checkpoints, exports."""

from audit.services.deeds import record
from audit.services.exports import export
from audit.services.seals import deliver_checkpoints, seal_pending, sign_checkpoint

__all__ = ["deliver_checkpoints", "export", "record", "seal_pending", "sign_checkpoint"]
