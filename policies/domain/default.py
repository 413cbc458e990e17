"""The policies that come with Goldgate."""

from gate.policy import DEFAULT, DEMO

__all__ = ["DEFAULT", "DEMO"]
