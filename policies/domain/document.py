"""The policy document, as the engine reads it: one type for what is stored and what is answered from."""

from gate.policy import Action, Findings, GraceDays, MalformedPolicy, Mode, PolicyDocument

__all__ = ["Action", "Findings", "GraceDays", "MalformedPolicy", "Mode", "PolicyDocument"]
