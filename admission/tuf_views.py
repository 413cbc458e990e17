"""The published snapshots as files. Public: they are signed, and say what any refusal would say.

The address's grammar is the whole check of a name: digits, hex and fixed words, so no path leaves the directory.
"""

import hashlib
from pathlib import Path

from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotModified
from django.utils.http import parse_etags
from django.views.decorators.http import require_safe

from admission.published import snapshots_home

FOREVER = "public, max-age=31536000, immutable"


@require_safe
def metadata(request: HttpRequest, name: str) -> HttpResponseBase:
    """One metadata file. The timestamp is asked for each second, and mostly answered by 304."""
    try:
        body = (snapshots_home() / "metadata" / name).read_bytes()
    except FileNotFoundError as error:
        raise Http404 from error
    etag = f'"{hashlib.sha256(body).hexdigest()}"'
    caching = "no-cache" if name == "timestamp.json" else FOREVER
    headers = {"ETag": etag, "Cache-Control": caching}
    if etag in parse_etags(request.headers.get("If-None-Match", "")):
        return HttpResponseNotModified(headers=headers)
    return HttpResponse(body, content_type="application/json", headers=headers)


@require_safe
def target(request: HttpRequest, name: str) -> HttpResponseBase:
    """One target file, named for its hash: it never changes."""
    path: Path = snapshots_home() / "targets" / name
    etag = f'"{name[:64]}"'
    headers = {"ETag": etag, "Cache-Control": FOREVER}
    if etag in parse_etags(request.headers.get("If-None-Match", "")) and path.is_file():
        return HttpResponseNotModified(headers=headers)
    try:
        file = path.open("rb")
    except FileNotFoundError as error:
        raise Http404 from error
    return FileResponse(file, content_type="application/octet-stream", headers=headers)
