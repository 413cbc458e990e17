"""Every write of the room, one function a use case."""

from admission.services.decisions import decide_here, record_decisions
from admission.services.gates import (
    add_cluster,
    create_enrolment_token,
    enrol_gate,
    note_heartbeat,
    retire_gate,
)

__all__ = [
    "add_cluster",
    "create_enrolment_token",
    "decide_here",
    "enrol_gate",
    "note_heartbeat",
    "record_decisions",
    "retire_gate",
]
