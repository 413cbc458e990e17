"""What is built from where, and is it renewed in time? Sources, the pipelines they trust, what the breaker holds."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import Person
from accounts.selectors import person_by_name
from audit import selectors as audit
from builds.domain.renewal import Renewal
from builds.errors import SourceInvalid
from builds.models import Source
from builds.selectors import builds as builds_read
from builds.selectors import recipes, renewals
from builds.selectors import sources as sources_read
from builds.selectors.pipelines import pipelines_of
from builds.services import asking, pipelines
from builds.services import sources as services
from builds.services.pipelines import PipelineFields
from builds.services.repositories import candidate_repository
from builds.services.sources import SourceFields
from builds.services.waves import open_wave_by_hand
from catalog import selectors as catalog
from catalog.errors import NoSuchImage
from catalog.models import Version
from core.errors import FieldError
from web import supply
from web.csv_rows import csv_of
from web.filters import CSV, Text, read_filters
from web.forms.base import PageForm
from web.forms.builds import PipelineForm, SourceForm, SourceOwnerForm
from web.paging import Page, page_of
from web.refusals import attempt, attempt_or_say
from web.timeline import told
from web.viewer import Viewer, viewer_of

SHOWN = 10  # builds and recipes on a source's page; the lists have all


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One source in the list, and whether it is renewed in time."""

    source: Source
    renewal: Renewal


COLUMNS: dict[str, Callable[[Any], object]] = {
    "source": lambda row: row.name,
    "version": lambda row: row.version,
    "owner": lambda row: row.owner,
    "builder": lambda row: row.builder,
    "from": lambda row: row.url,
    "ref": lambda row: row.ref_rule,
    "directory": lambda row: row.directory,
    "commit": lambda row: row.last_commit,
    "paused": lambda row: row.is_paused,
    "last_good_at": lambda row: row.last_good_at,
    "last_build": lambda row: row.last_build_state,
    "recipe": lambda row: row.newest_recipe_number,
    "recipe_approved_at": lambda row: row.newest_recipe_approved_at,
    "next_due_at": lambda row: row.next_due_at,
    "failure": lambda row: row.last_failure,
}


@require_GET
def sources(request: HttpRequest) -> HttpResponseBase:
    """Every source, by name."""
    viewer = viewer_of(request)
    filters = read_filters(request, {"q": Text(), "format": CSV})
    found = sources_read.sources_told(text=filters.get("q"))
    if filters.is_csv:
        return csv_of("sources.csv", COLUMNS, found)
    page = page_of(found, request, order=("name",))
    known = renewals.renewals([one.version_id for one in page.rows], viewer.now)
    context = {
        "viewer": viewer,
        "page": Page([SourceRow(one, known[one.version_id]) for one in page.rows], page.next_cursor),
        "filters": filters,
        "unknown_filters": filters.remarks,
    }
    return render(request, "web/sources.html", context, status=filters.status)


@require_GET
def source(request: HttpRequest, source_id: UUID) -> HttpResponse:
    """One source: renewed in time or not, its builds, its recipes, what is held back, whom it trusts."""
    viewer = viewer_of(request)
    return _page(request, viewer, sources_read.source_by_id(source_id), PipelineForm(), status=200)


def _page(request: HttpRequest, viewer: Viewer, shown: Source, form: PageForm, *, status: int) -> HttpResponse:
    found = list(recipes.recipes_of(shown)[:SHOWN])
    waiting = found[0] if found and not found[0].approved_at else None
    context = {
        "viewer": viewer,
        "source": shown,
        "renewal": renewals.renewal_of(shown.version, viewer.now),
        "recipes": found,
        "waiting": waiting,
        "builds": list(builds_read.builds_of(shown).prefetch_related(None)[:SHOWN]),
        "held": supply.causes_told(builds_read.held_causes(shown)[:SHOWN]),
        "pipelines": sorted(pipelines_of(shown), key=lambda one: one.ended_at is not None),
        "form": form,
        "submit_line": f"goldgate builds submit {shown.pk} HOST/PATH@DIGEST --provenance FILE",
        "records": told(audit.records_of("source", str(shown.pk))),
    }
    return render(request, "web/source.html", context, status=status)


@require_http_methods(["GET", "POST"])
def source_new(request: HttpRequest) -> HttpResponse:
    """Name a source; the version may be given in the address."""
    viewer = viewer_of(request)
    form = SourceForm(request.POST or None, initial={"version": request.GET.get("version", "")[:230]})
    if request.method == "POST" and form.is_valid():
        made = attempt(
            form,
            lambda: services.add_source(wanted=_fields(form, viewer), created_by=viewer.person, now=viewer.now),
        )
        if made is not None:
            actor = viewer.person.as_actor()
            if made.builder != Source.Builder.EXTERNAL:
                services.ask_fetch(source=made, actor=actor, now=viewer.now)
            messages.success(request, f"{made.name} is added and being fetched. Its recipe then waits for approval.")
            return redirect("web:source", source_id=made.pk)
    return render(request, "web/source_form.html", {"form": form}, status=400 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def source_edit(request: HttpRequest, source_id: UUID) -> HttpResponse:
    """Change a source. Its version stays."""
    viewer = viewer_of(request)
    shown = sources_read.source_by_id(source_id)
    form = SourceForm(request.POST or None, initial=_initial(shown))
    form.fields["version"].disabled = True
    if request.method == "POST" and form.is_valid():
        done = attempt(
            form,
            lambda: services.change_source(
                source=shown, wanted=_fields(form, viewer, shown), actor=viewer.person.as_actor(), now=viewer.now
            ),
        )
        if done is not None:
            messages.success(request, "It is changed. The next fetch shows whether that makes another recipe.")
            return redirect("web:source", source_id=shown.pk)
    context = {"form": form, "source": shown}
    return render(request, "web/source_form.html", context, status=400 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def source_owner(request: HttpRequest, source_id: UUID) -> HttpResponse:
    """Have another person answer for a source, with a reason; first, what that does."""
    viewer = viewer_of(request)
    shown = sources_read.source_by_id(source_id)
    form = SourceOwnerForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        done = attempt(
            form,
            lambda: services.hand_over_source(
                source=shown,
                owner=_person(said["owner"]),
                reason=said["reason"],
                actor=viewer.person.as_actor(),
                now=viewer.now,
            ),
        )
        if done is not None:
            messages.success(request, f"{done.owner} answers for {shown.name} now.")
            return redirect("web:source", source_id=shown.pk)
    context = {"form": form, "source": shown}
    return render(request, "web/source_owner.html", context, status=400 if form.errors else 200)


def _person(name: str) -> Person:
    found = person_by_name(name)
    if found is None:
        detail = "There is nobody of that name."
        raise SourceInvalid(detail, errors=[FieldError("/owner", "unknown_person", detail)])
    return found


def _version(name: str) -> Version:
    try:
        return catalog.version_by_name(name)
    except NoSuchImage as error:
        wrong = FieldError("/version", error.code, error.detail)
        raise NoSuchImage(error.detail, cure="Add the version to the catalog first.", errors=[wrong]) from error


def _fields(form: PageForm, viewer: Viewer, shown: Source | None = None) -> SourceFields:
    """What the form says; owner and pause stay as they are. Raises NoSuchImage, SourceInvalid."""
    held: dict[str, Any] = dict(form.cleaned_data)
    held["version"] = shown.version if shown else _version(held["version"])
    held["owner"] = shown.owner if shown else viewer.person
    held["candidate_repository"] = candidate_repository(name=held["candidate_repository"].strip(), now=viewer.now)
    held["is_paused"] = shown.is_paused if shown else False
    return SourceFields(**held)


def _initial(shown: Source) -> dict[str, object]:
    plain = (
        *("name", "url", "ref_rule", "directory", "dockerfile", "target", "builder", "network", "is_base_recipe"),
        *("is_signature_required", "allowed_signers", "gpg_keys", "known_hosts", "renew_every_days"),
    )
    return {name: getattr(shown, name) for name in plain} | {
        "version": str(shown.version),
        "candidate_repository": shown.candidate_repository.name if shown.candidate_repository else "",
        "platforms": "\n".join(shown.platforms),
        "allowed_hosts": "\n".join(shown.allowed_hosts),
        "arguments": "\n".join(f"{name}={value}" for name, value in shown.arguments.items()),
    }


@require_POST
def source_fetch(request: HttpRequest, source_id: UUID) -> HttpResponse:
    """Look now whether there is another commit."""
    viewer = viewer_of(request)
    shown = sources_read.source_by_id(source_id)
    attempt_or_say(
        request,
        lambda: services.ask_fetch(source=shown, actor=viewer.person.as_actor(), now=viewer.now),
        "It is being fetched; another commit shows up as another recipe.",
    )
    return redirect("web:source", source_id=shown.pk)


@require_POST
def source_rebuild(request: HttpRequest, source_id: UUID) -> HttpResponse:
    """Build it now, because a person wants it."""
    viewer = viewer_of(request)
    shown = sources_read.source_by_id(source_id)
    asked: list[Any] = []
    if attempt_or_say(
        request,
        lambda: asked.append(asking.ask_build(source=shown, by=viewer.person, now=viewer.now)),
        "A build is asked for.",
    ):
        return redirect("web:build", build_id=asked[0].pk)
    return redirect("web:source", source_id=shown.pk)


@require_POST
def source_wave(request: HttpRequest, source_id: UUID) -> HttpResponse:
    """Renew what it builds now, and then everything that stands on that."""
    viewer = viewer_of(request)
    shown = sources_read.source_by_id(source_id)
    opened: list[Any] = []
    if attempt_or_say(
        request,
        lambda: opened.append(open_wave_by_hand(root=shown.version, by=viewer.person, now=viewer.now)),
        "A wave is opened: what stands on it follows once it is certified.",
    ):
        return redirect("web:wave", wave_id=opened[0].pk)
    return redirect("web:source", source_id=shown.pk)


@require_POST
def source_switch(request: HttpRequest, source_id: UUID) -> HttpResponse:
    """Pause it or let it go on, as the form says."""
    viewer = viewer_of(request)
    shown = sources_read.source_by_id(source_id)
    is_paused = request.POST.get("paused") == "yes"
    wanted = SourceFields(
        **_initial_fields(shown),
        is_paused=is_paused,
    )
    attempt_or_say(
        request,
        lambda: services.change_source(source=shown, wanted=wanted, actor=viewer.person.as_actor(), now=viewer.now),
        "It is paused: nothing starts by itself." if is_paused else "It goes on.",
    )
    return redirect("web:source", source_id=shown.pk)


def _initial_fields(shown: Source) -> dict[str, Any]:
    names = SourceFields.__dataclass_fields__.keys() - {"is_paused"}
    return {name: getattr(shown, name) for name in names}


@require_POST
def source_pipelines(request: HttpRequest, source_id: UUID) -> HttpResponse:
    """Believe a pipeline elsewhere: issuer, audience and subject, each pinned."""
    viewer = viewer_of(request)
    shown = sources_read.source_by_id(source_id)
    form = PipelineForm(request.POST)
    if form.is_valid():
        made = attempt(
            form,
            lambda: pipelines.trust_pipeline(
                source=shown, fields=PipelineFields(**form.cleaned_data), by=viewer.person, now=viewer.now
            ),
        )
        if made is not None:
            messages.success(request, "The pipeline may submit what it builds.")
            return redirect("web:source", source_id=shown.pk)
    return _page(request, viewer, shown, form, status=400)


@require_POST
def pipeline_end(request: HttpRequest, source_id: UUID, pipeline_id: UUID) -> HttpResponse:
    """Believe a pipeline no longer."""
    viewer = viewer_of(request)
    attempt_or_say(
        request,
        lambda: pipelines.end_pipeline(pipeline_id=pipeline_id, by=viewer.person, now=viewer.now),
        "Its tokens are refused from now on.",
    )
    return redirect("web:source", source_id=source_id)
