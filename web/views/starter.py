"""Which minimal bases do teams expect, until when are they supported, and what is adopted here? One by one."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from builds.selectors.adopting import starter_set
from builds.services.adopting import Adoption, adopt_definition
from catalog import services as catalog
from catalog.definitions import Kind, definition, definitions
from web.forms.builds import HostSystemForm
from web.refusals import attempt, attempt_or_say
from web.viewer import viewer_of


@require_GET
def starter(request: HttpRequest) -> HttpResponse:
    """Each definition with its versions: what it is for, until when, what is recommended, what is adopted."""
    viewer = viewer_of(request)
    entries = starter_set(viewer.now)
    context = {
        "viewer": viewer,
        "entries": [one for one in entries if one.definition.kind is Kind.IMAGE],
        "hosts": [one for one in entries if one.definition.kind is Kind.HOST_SYSTEM],
        "notes": [one for one in entries if one.definition.kind is Kind.NOTE],
        "adopted": sum(1 for one in entries if one.is_adopted),
    }
    return render(request, "web/starter.html", context)


@require_POST
def starter_adopt(request: HttpRequest, name: str, version_name: str) -> HttpResponse:
    """Give one version its place in the catalog and follow its upstream tag. Certifies nothing."""
    viewer = viewer_of(request)
    made: list[Adoption] = []
    attempt_or_say(
        request,
        lambda: made.append(
            adopt_definition(
                definition=definition(name), version_name=version_name, adopted_by=viewer.person, now=viewer.now
            )
        ),
        "It is adopted: its upstream tag is looked at now, and what it names becomes a candidate.",
    )
    if made:
        return redirect("web:image", image_name=made[0].version.image.name)
    return redirect("web:starter")


@require_http_methods(["GET", "POST"])
def host_new(request: HttpRequest) -> HttpResponse:
    """Record a release of a host system with the checksum that a person verified."""
    viewer = viewer_of(request)
    known = [one for one in definitions() if one.kind is Kind.HOST_SYSTEM]
    choices = [
        (f"{one.name}/{version.name}", f"{one.title} {version.name}") for one in known for version in one.versions
    ]
    form = HostSystemForm(
        request.POST or None, choices=choices, initial={"system": request.GET.get("system", "")[:200]}
    )
    if request.method == "POST" and form.is_valid():
        held = dict(form.cleaned_data)
        name, _, version = held.pop("system").partition("/")
        made = attempt(
            form,
            lambda: catalog.add_host_system(
                definition=definition(name),
                fields=catalog.HostSystemFields(version=version, **held),
                recorded_by=viewer.person,
                now=viewer.now,
            ),
        )
        if made is not None:
            messages.success(request, f"{made} is recorded.")
            return redirect("web:starter")
    return render(request, "web/host_new.html", {"form": form}, status=400 if form.errors else 200)
