"""A page that follows something by itself, part by part, is read anew as a whole when that stands otherwise."""

from django.http import HttpRequest, HttpResponse


def followed(request: HttpRequest, response: HttpResponse, state: str) -> HttpResponse:
    """``response``, with htmx told to load the page again where it was drawn for another state than ``state``.

    Only the part that moves is fetched and exchanged; the facts and the timeline around it would go on telling of the
    state before. The part names the state that it was drawn for as ``?seen=``.
    """
    if request.headers.get("HX-Request") and request.GET.get("seen") != state:
        response["HX-Refresh"] = "true"
    return response
