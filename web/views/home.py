"""The start page: what waits for this person, and what is missing."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from web.viewer import viewer_of


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """What waits for me?"""
    return render(request, "web/home.html", {"viewer": viewer_of(request)})


@require_GET
def find(request: HttpRequest) -> HttpResponse:
    """One box: a digest, an image, a vulnerability."""
    return render(request, "web/find.html", {"find_text": request.GET.get("q", "")[:300]})
