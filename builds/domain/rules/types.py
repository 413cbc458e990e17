"""What a rule consists of."""

from dataclasses import dataclass

from builds.domain.image_rules.rules import Severity

__all__ = ["DockerfileRule", "Severity"]


@dataclass(frozen=True, slots=True)
class DockerfileRule:
    """One thing that is looked for: why it matters, and what to do about it."""

    id: str
    title: str
    severity: Severity
    why: str
    cure: str
    same_as: tuple[str, ...] = ()  # hadolint's codes for the same thing: told once
