"""Where base images come from: sources, recipes, builds, and what was seen in their files."""

from builds.models.builds import Build, Cause, LogChunk
from builds.models.evidence import Check, Inspection
from builds.models.pipelines import RefusedSubmissions, Submission, TrustedPipeline
from builds.models.promotion import DriftAlarm, PullProbe
from builds.models.recipes import Recipe
from builds.models.sources import Source
from builds.models.watches import Watch, Wave, WaveRow

__all__ = [
    "Build",
    "Cause",
    "Check",
    "DriftAlarm",
    "Inspection",
    "LogChunk",
    "PullProbe",
    "Recipe",
    "RefusedSubmissions",
    "Source",
    "Submission",
    "TrustedPipeline",
    "Watch",
    "Wave",
    "WaveRow",
]
