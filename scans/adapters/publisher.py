"""Fetches a feed from its publisher: resolved once, connected to that address, capped, straight to a file.

Feeds are public and need no credentials: none are sent, and cookies, proxies and ``.netrc`` of the environment are not
used. A redirect is followed at most five times, never from https to http, and each host is held to the same rule:
private, loopback and link-local addresses (cloud metadata among them) only where the feed says so.
"""

import ipaddress
import json
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter

from registry.adapters.addresses import is_allowed
from scans.errors import FeedAddressRefused, FeedContentsRefused, FeedTooLarge, FeedUnavailable

MAX_DOWNLOAD_BYTES = 2 * 1024**3
MAX_INDEX_BYTES = 64 * 1024
MAX_REDIRECTS = 5
TIMEOUT_SECONDS = (10, 60)  # to connect, between two pieces
_CHUNK_BYTES = 256 * 1024
_REDIRECTS = {301, 302, 303, 307, 308}


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a publisher sent."""

    path: Path
    last_modified: str  # the header, "" when there is none
    size_bytes: int


class _PinnedAdapter(HTTPAdapter):
    """Connects to the one address that was judged, under the host's own name."""

    def __init__(self, *, allow_private: bool) -> None:
        self.allow_private = allow_private
        super().__init__(max_retries=0)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        parts = urlsplit(request.url or "")
        host = parts.hostname or ""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        address = judged_address(host, port, allow_private=self.allow_private)
        shown = f"[{address}]" if ":" in address else address
        request.headers["Host"] = parts.netloc.rpartition("@")[2]
        if parts.scheme == "https":
            self.poolmanager.connection_pool_kw["server_hostname"] = host
            self.poolmanager.connection_pool_kw["assert_hostname"] = host
        original = request.url
        request.url = urlunsplit((parts.scheme, f"{shown}:{port}", parts.path, parts.query, ""))
        try:
            response = super().send(request, *args, **kwargs)
        finally:
            request.url = original
        response.url = original or ""
        return response


def judged_address(host: str, port: int, *, allow_private: bool) -> str:
    """The address of ``host`` that may be connected to. Raises FeedAddressRefused; FeedUnavailable."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise FeedUnavailable(f"{host} cannot be resolved: {error}") from error
    addresses = [str(entry[4][0]) for entry in found]
    for address in addresses:
        if not is_allowed(ipaddress.ip_address(address.partition("%")[0]), may_be_private=allow_private):
            raise FeedAddressRefused(
                f"{host} has the address {address}, which is not public.",
                cure="Allow private addresses for this feed if its publisher is inside your network.",
            )
    return addresses[0]


def fetch_feed(url: str, target: Path, *, allow_private: bool, check: Callable[[], None] = lambda: None) -> Fetched:
    """Stream ``url`` into ``target``. Raises FeedUnavailable; FeedAddressRefused; FeedTooLarge."""
    with _answer(url, allow_private=allow_private) as response, target.open("wb") as file:
        size = 0
        try:
            for chunk in response.iter_content(_CHUNK_BYTES):
                check()
                size += len(chunk)
                if size > MAX_DOWNLOAD_BYTES:
                    raise FeedTooLarge(f"{url} does not end after {MAX_DOWNLOAD_BYTES} bytes.")
                file.write(chunk)
        except requests.RequestException as error:
            raise FeedUnavailable(f"{url} broke off after {size} bytes: {error}") from error
        announced = response.headers.get("Content-Length", "")
        if announced.isascii() and announced.isdigit() and int(announced) != size:
            raise FeedUnavailable(f"{url} announced {announced} bytes and sent {size}.")
        return Fetched(path=target, last_modified=response.headers.get("Last-Modified", ""), size_bytes=size)


def fetch_index(url: str, *, allow_private: bool) -> bytes:
    """A small file that states the snapshot time. Raises as ``fetch_feed``."""
    with _answer(url, allow_private=allow_private) as response:
        body = b"".join(_first_chunks(response, MAX_INDEX_BYTES))
    try:
        json.loads(body)
    except ValueError as error:
        raise FeedContentsRefused(f"{url} should state the snapshot time and is not JSON: {error}") from error
    return body


def _first_chunks(response: requests.Response, limit: int) -> list[bytes]:
    found: list[bytes] = []
    size = 0
    for chunk in response.iter_content(4096):
        size += len(chunk)
        if size > limit:
            raise FeedTooLarge(f"{response.url} should state the snapshot time and is larger than {limit} bytes.")
        found.append(chunk)
    return found


def _answer(url: str, *, allow_private: bool) -> requests.Response:
    session = requests.Session()
    session.trust_env = False
    adapter = _PinnedAdapter(allow_private=allow_private)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    for _ in range(MAX_REDIRECTS + 1):
        if urlsplit(url).scheme not in ("http", "https"):
            raise FeedAddressRefused(f"{url[:200]} is neither http nor https.")
        response = _ask(session, url)
        if response.status_code not in _REDIRECTS:
            return _require_ok(response, url)
        following = urljoin(url, response.headers.get("Location", ""))
        response.close()
        if url.startswith("https://") and not following.startswith("https://"):
            raise FeedAddressRefused(f"{url[:200]} redirects from https to {following[:200]}.")
        url = following
    raise FeedUnavailable(f"{url[:200]} redirects more than {MAX_REDIRECTS} times.")


def _ask(session: requests.Session, url: str) -> requests.Response:
    headers = {"User-Agent": "goldgate", "Accept": "*/*", "Accept-Encoding": "identity"}
    try:
        return session.get(url, headers=headers, stream=True, timeout=TIMEOUT_SECONDS, allow_redirects=False)
    except requests.RequestException as error:
        raise FeedUnavailable(f"{url[:200]} does not answer: {error}") from error


def _require_ok(response: requests.Response, url: str) -> requests.Response:
    if response.status_code == 200:
        return response
    response.close()
    raise FeedUnavailable(f"{url[:200]} answered {response.status_code} {response.reason}.")
