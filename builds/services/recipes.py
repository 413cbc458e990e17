"""Recipes: written once when they are found, approved and withdrawn by what ``approvals/`` decided."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.models import Person
from audit.actor import Actor
from audit.services import record
from audit.verbs import Verb
from builds.adapters.git_signatures import Signature
from builds.adapters.git_trees import Commit
from builds.domain.recipe import recipe_sha256
from builds.errors import RecipeMissing
from builds.models import Recipe, Source
from builds.selectors.recipes import recipe_by_id, recipe_by_sha256, recipe_subject
from builds.services.contexts import Context

WORKER = Actor.system("worker")


@dataclass(frozen=True, slots=True)
class Found:
    """What one fetch brought: everything that decides a result, and where it came from."""

    url: str
    directory: str
    dockerfile_path: str
    commit: Commit
    signature: Signature
    dockerfile: bytes
    context: Context
    arguments: dict[str, str]
    target: str
    platforms: list[str]
    bases: list[dict[str, Any]]
    allowed_hosts: list[str]

    @property
    def sha256(self) -> str:
        """The recipe's name."""
        return recipe_sha256(
            dockerfile=self.dockerfile,
            files=self.context.files,
            arguments=self.arguments,
            target=self.target,
            platforms=self.platforms,
            bases=self.bases,
            allowed_hosts=self.allowed_hosts,
        )


@transaction.atomic
def keep_recipe(*, source: Source, found: Found, now: datetime) -> tuple[Recipe, bool]:
    """The source's recipe of that content, and whether it is new. One changed byte makes another, unreviewed one."""
    # Locked: two fetches at once must not both take the next number.
    Source.objects.select_for_update(of=("self",), no_key=True).get(pk=source.pk)
    sha256 = found.sha256
    if known := recipe_by_sha256(source, sha256):
        return known, False
    commit = found.commit
    newest = Recipe.objects.filter(source=source).order_by("-number").values_list("number", flat=True).first()
    made = Recipe.objects.create(
        source=source,
        number=(newest or 0) + 1,
        sha256=sha256,
        commit=commit.id,
        ref=commit.ref,
        url=found.url,
        directory=found.directory,
        dockerfile_path=found.dockerfile_path,
        committed_at=commit.committed_at,
        author_name=commit.author_name,
        author_email=commit.author_email,
        author=_author(commit.author_email),
        signature=found.signature.as_json(),
        dockerfile=found.dockerfile.decode(),
        context_digest=found.context.digest,
        context_bytes=found.context.size,
        files=found.context.files,
        arguments=found.arguments,
        target=found.target,
        platforms=found.platforms,
        bases=found.bases,
        allowed_hosts=found.allowed_hosts,
        created_at=now,
    )
    data = {
        "source": str(source.pk),
        "sha256": sha256,
        "commit": commit.id,
        "ref": commit.ref,
        "dockerfile": hashlib.sha256(found.dockerfile).hexdigest(),
        "signature": found.signature.state,
    }
    record(Verb.RECIPE_FOUND, actor=WORKER, subject=recipe_subject(made), at=now, data=data)
    return recipe_by_id(made.pk), True


def lock_recipe(recipe_id: UUID | str) -> Recipe:
    """The row, locked until the transaction ends. Raises RecipeMissing."""
    if not Recipe.objects.select_for_update(of=("self",), no_key=True).filter(pk=recipe_id).exists():
        raise RecipeMissing("There is no such recipe.", cure="See the recipes of its source.")
    return recipe_by_id(recipe_id)


def set_recipe_approved(recipe: Recipe, at: datetime) -> None:
    """Write down that people approved exactly this. For ``approvals/``, which counted them, in its transaction."""
    recipe.approved_at = at
    recipe.save(update_fields=["approved_at"])


def set_recipe_withdrawn(recipe: Recipe, at: datetime, *, reason: str) -> None:
    """Write down that an approval was taken back, for good. For ``approvals/``, in its transaction."""
    recipe.withdrawn_at = at
    recipe.withdrawn_reason = reason
    recipe.save(update_fields=["withdrawn_at", "withdrawn_reason"])


def _author(email: str) -> Person | None:
    """The account with that address, where there is exactly one."""
    found = list(Person.objects.filter(email__iexact=email)[:2]) if email else []
    return found[0] if len(found) == 1 else None
