"""Who approved what is built, and what changed since? Recipes: read line by line, approved, withdrawn."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import selectors as accounts
from approvals import selectors as approvals
from approvals.models import RecipeReview
from approvals.selectors.recipes import is_own_recipe, recipe_reviews, recipes_due
from approvals.services import recipes as services
from audit import selectors as audit
from builds.models import Recipe
from builds.selectors import builds as builds_read
from builds.selectors import recipes as recipes_read
from builds.selectors.checks import recipe_checks
from policies import selectors as policies
from web import dossier, supply
from web.csv_rows import csv_of
from web.filters import CSV, Choice, Text, read_filters
from web.forms.base import ReasonForm
from web.forms.builds import RecipeReviewForm
from web.paging import page_of
from web.refusals import attempt, attempt_or_say
from web.timeline import told
from web.viewer import Viewer, viewer_of

MAX_WAITING = 50  # recipes that stand before the list
MAX_FILES = 200  # of the context, on the page
STATES = ("unreviewed", "approved", "withdrawn")

COLUMNS = {
    "source": lambda row: row.source.name,
    "number": lambda row: row.number,
    "sha256": lambda row: row.sha256,
    "commit": lambda row: row.commit,
    "ref": lambda row: row.ref,
    "author": lambda row: row.author_name,
    "found_at": lambda row: row.created_at,
    "approved_at": lambda row: row.approved_at,
    "withdrawn_at": lambda row: row.withdrawn_at,
}


@require_GET
def recipes(request: HttpRequest) -> HttpResponseBase:
    """What waits for approval first; then every recipe."""
    viewer = viewer_of(request)
    filters = read_filters(request, {"state": Choice(STATES), "source": Text(), "format": CSV})
    found = recipes_read.recipes(state=filters.get("state"), source=filters.get("source"))
    if filters.is_csv:
        return csv_of("recipes.csv", COLUMNS, found)
    context = {
        "viewer": viewer,
        "page": page_of(found, request, order=("-created_at", "-id")),
        "waiting": list(recipes_read.recipes_waiting()[:MAX_WAITING]) if not filters.is_any else [],
        "due": _due(viewer) if not filters.is_any else set(),
        "filters": filters,
        "unknown_filters": filters.remarks,
    }
    return render(request, "web/recipes.html", context, status=filters.status)


def _due(viewer: Viewer) -> set[UUID]:
    """Those that this reader may judge; two queries for a reviewer."""
    if not viewer.is_reviewer:
        return set()
    found = recipes_due(viewer.person, dossier.policy_at(viewer.now), viewer.now)
    return set(found.values_list("pk", flat=True)[:MAX_WAITING])


@require_http_methods(["GET", "POST"])
def recipe(request: HttpRequest, recipe_id: UUID) -> HttpResponse:
    """One recipe before its reviewers; posting is a judgement of these bytes and no others."""
    viewer = viewer_of(request)
    shown = recipes_read.recipe_by_id(recipe_id)
    form = RecipeReviewForm(request.POST or None, initial={"recipe_sha256": shown.sha256})
    if request.method == "POST" and form.is_valid():
        held = form.cleaned_data
        made = attempt(
            form,
            lambda: services.review_recipe(
                recipe_id=shown.pk,
                reviewer=viewer.person,
                outcome=held["outcome"],
                reason=held["reason"],
                recipe_sha256=held["recipe_sha256"],
                now=viewer.now,
            ),
        )
        if made is not None:
            shown = recipes_read.recipe_by_id(recipe_id)
            last = " It was the last one needed: the recipe is approved." if shown.approved_at else ""
            messages.success(request, f"Your judgement is recorded.{last}")
            return redirect("web:recipe", recipe_id=shown.pk)
    return _page(request, viewer, shown, form)


def _page(request: HttpRequest, viewer: Viewer, shown: Recipe, form: RecipeReviewForm) -> HttpResponse:
    reviews = list(recipe_reviews(shown))
    needed = approvals.reviewers_needed(dossier.policy_at(viewer.now))
    checks = recipe_checks(shown)
    waivers = policies.waivers_in_force(
        {check.rule for check in checks if check.severity == "error"},
        at=viewer.now,
        version=str(shown.source.version),
        source=shown.source.name,
    )
    groups = supply.check_groups(checks, waivers)
    older = recipes_read.compared_with(shown)
    is_open = supply.recipe_is_open(shown, reviews)
    why_not = _why_not(shown, viewer, reviews)
    context = {
        "viewer": viewer,
        "recipe": shown,
        "standing": supply.recipe_told(shown, reviews, needed),
        "missing": supply.recipe_refused(groups) + (supply.recipe_missing(reviews, needed) if is_open else []),
        "older": older,
        "change": supply.recipe_change(recipes_read.recipe_difference(older, shown)) if older else None,
        "groups": groups,
        "counts": ", ".join(group.words for group in groups),
        "is_checked": shown.checked_at is not None,
        "lines": supply.source_lines(shown.dockerfile, groups),
        "files": shown.files[:MAX_FILES],
        "builds": list(builds_read.builds().prefetch_related(None).filter(recipe=shown)[:10]),
        "reviews": reviews,
        "approvals": supply.approvals_in(reviews),
        "needed": needed,
        "is_open": is_open,
        "why_not": why_not,
        "may_review": is_open and not why_not,
        "may_withdraw": shown.is_approved and viewer.may_answer,
        "form": form,
        "withdraw_form": ReasonForm(auto_id="withdraw_%s"),
        "records": told(audit.records_of("recipe", str(shown.pk))),
    }
    return render(request, "web/recipe.html", context, status=400 if form.errors else 200)


def _why_not(shown: Recipe, viewer: Viewer, reviews: list[RecipeReview]) -> str:
    """Why this reader cannot judge it; "" where they can. The service asks again."""
    if not viewer.is_reviewer:
        return "Reviewers judge it; you are none."
    if any(one.reviewer_id == viewer.person.pk for one in reviews):
        return "You judged it. Another recipe may be judged anew."
    if accounts.is_one_person():
        return ""
    named = (shown.source.owner, shown.source.created_by)
    if any(accounts.is_same_person(one, viewer.person) for one in named):
        return "You answer for its source, so others judge it."
    if shown.author is not None and accounts.is_same_person(shown.author, viewer.person):
        return "You wrote the commit, so others judge it."
    if is_own_recipe(shown, viewer.person):
        return "You signed the commit, or changed its source since the last approved recipe, so others judge it."
    return ""


@require_POST
def recipe_withdraw(request: HttpRequest, recipe_id: UUID) -> HttpResponse:
    """Take an approval back, with a reason."""
    viewer = viewer_of(request)
    form = ReasonForm(request.POST)
    if form.is_valid():
        reason = form.cleaned_data["reason"]
        attempt_or_say(
            request,
            lambda: services.withdraw_recipe(recipe_id=recipe_id, person=viewer.person, reason=reason, now=viewer.now),
            "The approval is withdrawn.",
        )
    else:
        messages.error(request, "The approval was not withdrawn: say why.")
    return redirect("web:recipe", recipe_id=recipe_id)
