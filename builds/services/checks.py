"""Holds Dockerfiles to the rules: a recipe's, whose results are kept, and a text that somebody sent, which is not."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from audit.actor import Actor
from audit.services import record
from audit.verbs import Verb
from builds.adapters.hadolint import lint
from builds.adapters.secrets import find_secrets
from builds.domain.arguments import DEFAULT_PLATFORM
from builds.domain.bases import ResolvedBase
from builds.domain.dockerfile import Dockerfile, parse
from builds.domain.hardening import CheckResult, SecretSeen, Severity, check_dockerfile, merge
from builds.domain.pinning import pinned
from builds.domain.platforms import in_words
from builds.models import Check, Recipe
from builds.selectors.recipes import recipe_by_id, recipe_subject
from builds.services.bases import resolve_bases
from catalog.selectors import subversion_by_id

MAX_MESSAGE = 1000  # characters that are kept of a sentence
WORKER = Actor.system("worker")


@dataclass(frozen=True, slots=True)
class TextChecked:
    """What came of a text. ``fixed`` is it with every reference pinned that could be."""

    outcome: str  # "pass", "warn", "fail"
    results: list[CheckResult]
    bases: list[ResolvedBase]
    fixed: str


def check_text(
    content: str | bytes,
    *,
    arguments: Mapping[str, str],
    now: datetime,
    target: str = "",
    platforms: Sequence[str] = (),
    is_base_recipe: bool = False,
) -> TextChecked:
    """Hold a Dockerfile to the rules at ``now``. Writes nothing. Raises DockerfileMalformed; ParserFailed."""
    dockerfile = parse(content)
    bases = resolve_bases(
        dockerfile, arguments=arguments, is_base_recipe=is_base_recipe, now=now, target=target, platforms=platforms
    )
    own = _on_each(
        platforms,
        dockerfile,
        bases=bases,
        arguments=arguments,
        target=target,
        is_base_recipe=is_base_recipe,
        secrets=_secrets(dockerfile),
    )
    results = merge(own, lint(dockerfile.text.encode()))
    return TextChecked(outcome_of(results), results, bases, pinned(dockerfile, bases))


def check_recipe(recipe: Recipe, now: datetime) -> list[Check]:
    """Hold a recipe to the rules and keep what was found instead of what was found before.

    A name without a digest stands for what it stood for when the recipe was made: that is what is built.
    Raises: DockerfileMalformed; ParserFailed.
    """
    dockerfile = parse(recipe.dockerfile)
    bases = resolve_bases(
        dockerfile,
        arguments=recipe.arguments,
        is_base_recipe=recipe.source.is_base_recipe,
        now=now,
        target=recipe.target,
        platforms=recipe.platforms,
        recorded={(one["line"], one["asked"]): one["reference"] for one in recipe.bases if one.get("reference")},
    )
    own = _on_each(
        recipe.platforms,
        dockerfile,
        bases=bases,
        arguments=recipe.arguments,
        target=recipe.target,
        is_base_recipe=recipe.source.is_base_recipe,
        secrets=_secrets(dockerfile),
        files=[str(row[0]) for row in recipe.files],
    )
    return _keep(recipe.pk, merge(own, lint(dockerfile.text.encode())), now)


def check_recipes_on(*, subversion_id: UUID | str, now: datetime) -> int:
    """Hold every recipe that takes anything from a subversion to the rules again; how many.

    For one that was revoked: what was built on it and waits for its reviewers is refused from now on, whoever built it
    in time. Raises what ``check_recipe`` raises.
    """
    digest = subversion_by_id(subversion_id).artifact.digest
    found = Recipe.objects.filter(bases__contains=[{"digest": digest}]).order_by("created_at", "pk")
    ids = list(found.values_list("pk", flat=True))
    for recipe_id in ids:
        check_recipe(recipe_by_id(recipe_id), now)
    return len(ids)


def outcome_of(results: Sequence[CheckResult]) -> str:
    """In the words of the gate: an error fails, a warning warns."""
    severities = {one.severity for one in results}
    if Severity.ERROR in severities:
        return "fail"
    return "warn" if Severity.WARNING in severities else "pass"


def _on_each(platforms: Sequence[str], dockerfile: Dockerfile, **told: Any) -> list[CheckResult]:
    """The results for every platform that is built: words are filled in otherwise on each. One of some names them."""
    every = list(dict.fromkeys(platforms)) or [DEFAULT_PLATFORM]
    found: dict[CheckResult, list[str]] = {}
    for platform in every:
        for one in check_dockerfile(dockerfile, platform=platform, **told):
            found.setdefault(one, []).append(platform)
    return [
        one if len(on) == len(every) else replace(one, message=f"{one.message} (On {in_words(on)}.)")
        for one, on in found.items()
    ]


def _secrets(dockerfile: Dockerfile) -> list[SecretSeen]:
    return [SecretSeen(one.kind, one.line, one.is_certain) for one in find_secrets(dockerfile.text.encode())]


@transaction.atomic
def _keep(recipe_id: UUID, results: Sequence[CheckResult], now: datetime) -> list[Check]:
    # Locked: two checks at once must not leave the results of both.
    recipe = Recipe.objects.select_for_update(of=("self",), no_key=True).get(pk=recipe_id)
    Check.objects.filter(recipe=recipe).delete()
    Check.objects.bulk_create(
        Check(
            recipe=recipe,
            rule=one.rule,
            severity=str(one.severity),
            message=one.message[:MAX_MESSAGE],
            remedy=one.remedy[:MAX_MESSAGE],
            line=one.line,
            path=one.path,
        )
        for one in results
    )
    recipe.checked_at = now
    recipe.save(update_fields=["checked_at"])
    counts = Counter(str(one.severity) for one in results)
    data = {"sha256": recipe.sha256, "errors": counts["error"], "warnings": counts["warning"], "notes": counts["note"]}
    record(Verb.RECIPE_CHECKED, actor=WORKER, subject=recipe_subject(recipe_by_id(recipe.pk)), at=now, data=data)
    return list(Check.objects.filter(recipe=recipe).order_by("line", "id"))
