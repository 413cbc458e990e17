"""The rules that a Dockerfile is held to before anything is built, as data.

An id names one rule for good: a rule that changes its meaning gets a new one. ``severity`` is what a result weighs
where ``hardening`` does not say otherwise: an error keeps a candidate from being certified unless it is waived.
"""

from builds.domain.rules.bases import BASE_RULES
from builds.domain.rules.contents import CONTENT_RULES
from builds.domain.rules.running import RUN_RULES
from builds.domain.rules.types import DockerfileRule, Severity

RULES: dict[str, DockerfileRule] = {rule.id: rule for rule in (*BASE_RULES, *CONTENT_RULES, *RUN_RULES)}

__all__ = ["RULES", "DockerfileRule", "Severity"]
