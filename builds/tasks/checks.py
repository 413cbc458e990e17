"""The job handler of checks: an id in, one service call."""

from builds.errors import ParserFailed
from builds.selectors.recipes import recipe_by_id
from builds.services import checks
from jobs.handlers import Run, handler


@handler("builds.check_recipe", retry_on=(ParserFailed,), limit_seconds=300, max_attempts=3)
def check_recipe(run: Run) -> None:
    """Hold a recipe's Dockerfile to the rules."""
    checks.check_recipe(recipe_by_id(run.subject_id), run.now())
