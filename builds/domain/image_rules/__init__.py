"""What is looked for in an image's files and configuration, after it was built."""

from builds.domain.image_rules.checking import Examination, ImageCheck
from builds.domain.image_rules.known import KNOWN_SETUID
from builds.domain.image_rules.rules import RULES, RULES_VERSION, Rule, Severity

__all__ = ["KNOWN_SETUID", "RULES", "RULES_VERSION", "Examination", "ImageCheck", "Rule", "Severity"]
