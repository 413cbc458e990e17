"""The policy document, as the engine reads it: one type for what is stored and what is answered from."""

from gate.denied_bases import DeniedBase, first_reaching
from gate.policy import Action, Findings, GraceDays, MalformedPolicy, Mode, PolicyDocument

__all__ = [
    "Action",
    "DeniedBase",
    "Findings",
    "GraceDays",
    "MalformedPolicy",
    "Mode",
    "PolicyDocument",
    "first_reaching",
]
