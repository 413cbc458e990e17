"""HTTP to one registry: pinned addresses, capped bodies, bounded time, credentials to its own host alone.

Nothing here is taken from the environment: no proxy, no CA bundle, no ``.netrc``.
"""

import email.utils
import random
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError
from urllib3.util.connection import create_connection

from registry.adapters.addresses import AddressBook
from registry.adapters.settings import (
    MAX_ANSWER_BYTES,
    MAX_REDIRECTS,
    MAX_WAIT_SECONDS,
    ConnectionSettings,
    authority_of,
)
from registry.errors import AddressRefused, BodyTooLarge, CertificateRefused, RegistryMisbehaved, RegistryUnavailable

CHUNK_BYTES = 256 * 1024
# Beyond its fixed time, a body of known size gets the time it takes at this rate.
SLOWEST_BYTES_A_SECOND = 256 * 1024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_TRY_AGAIN = frozenset({429, 500, 502, 503, 504})
_SAFE = frozenset({"GET", "HEAD"})
_USER_AGENT = "goldgate/0.1"


class Transport:
    """Sends requests for one registry. Not for several threads at once."""

    def __init__(self, settings: ConnectionSettings) -> None:
        self.settings = settings
        self.book = AddressBook(settings)
        self._session = _Session()
        self._session.trust_env = False
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        adapter = _PinnedAdapter(self.book, _tls_context(settings))
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)

    def url(self, path: str) -> str:
        """A path of the registry's API as a URL."""
        return urljoin(self.settings.base_url + "/", path.lstrip("/"))

    def checked(self, url: str, *, base: str) -> str:
        """``url`` (perhaps relative to ``base``) as one that may be followed. Raises AddressRefused."""
        try:
            found = urljoin(base, url)
            parts = urlsplit(found)
            authority = authority_of(parts)
        except ValueError as error:
            raise AddressRefused(
                f"The registry leads to {url[:200]!r}, which is no address.",
                cure="Have the registry send https addresses.",
            ) from error
        if parts.hostname == self.settings.base.hostname and parts.scheme == "http" and self._is_https:
            # A registry behind a proxy that ends TLS often does not know its own scheme.
            found = parts._replace(scheme="https", netloc=self.settings.base.netloc).geturl()
            parts, authority = urlsplit(found), self.settings.authority
        is_plain_allowed = parts.scheme == "http" and not self._is_https and self.settings.is_listed(authority)
        if (parts.scheme != "https" and not is_plain_allowed) or parts.username or parts.password or not parts.hostname:
            raise AddressRefused(
                f"The registry leads to {_shown(parts)}, which is not https or holds a password.",
                cure="Have the registry send https addresses.",
            )
        return found

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        credentials_for: str = "",
    ) -> requests.Response:
        """One request; the answer's body is not read yet. Safe ones are tried again, and redirects followed.

        The header Authorization goes to the registry's own host alone, or to ``credentials_for`` (host:port) where
        that is given. Raises RegistryUnavailable, RegistryMisbehaved, AddressRefused.
        """
        request = _Request(method, headers or {}, body, credentials_for or self.settings.authority)
        for attempt in range(1, self.settings.max_tries + 1):
            is_last = attempt == self.settings.max_tries or method not in _SAFE
            try:
                answer = self._send_following(request, url)
            except RegistryUnavailable:
                if is_last:
                    raise
                self._wait(attempt, None)
                continue
            if answer.status_code not in _TRY_AGAIN:
                return answer
            wait_seconds = _retry_after(answer)
            answer.close()
            if is_last or (wait_seconds or 0) > MAX_WAIT_SECONDS:
                raise RegistryUnavailable(
                    f"{_shown(urlsplit(url))} answered {answer.status_code}"
                    + (f" and asks to wait {wait_seconds:.0f} s." if wait_seconds else "."),
                    retry_after_seconds=wait_seconds,
                )
            self._wait(attempt, wait_seconds)
        raise RuntimeError("a request is tried at least once")

    def read(self, answer: requests.Response, *, max_bytes: int = MAX_ANSWER_BYTES) -> bytes:
        """The whole body. Raises BodyTooLarge, RegistryUnavailable, RegistryMisbehaved."""
        return b"".join(self.chunks(answer, max_bytes=max_bytes))

    def chunks(self, answer: requests.Response, *, max_bytes: int) -> Iterator[bytes]:
        """The body in pieces, as sent (nothing is decoded). Raises as ``read``."""
        shown = _shown(urlsplit(answer.url))
        if answer.headers.get("Content-Encoding", "identity") != "identity":
            answer.close()
            raise RegistryMisbehaved(f"{shown} encodes its answer although asked not to.")
        seconds = self.settings.total_seconds + max_bytes / SLOWEST_BYTES_A_SECOND
        done = 0
        try:
            with self._deadline(seconds, shown):
                while chunk := answer.raw.read(CHUNK_BYTES, decode_content=False):
                    done += len(chunk)
                    if done > max_bytes:
                        raise BodyTooLarge(f"{shown} sends more than the {max_bytes} bytes that are allowed.")
                    yield chunk
        finally:
            answer.close()

    @property
    def _is_https(self) -> bool:
        return self.settings.base.scheme == "https"

    def _send_following(self, request: "_Request", url: str) -> requests.Response:
        for _ in range(MAX_REDIRECTS + 1):
            answer = self._send_once(request, url)
            target = answer.headers.get("Location")
            if answer.status_code not in _REDIRECTS or request.method not in _SAFE or not target:
                return answer
            answer.close()
            url = self.checked(target, base=url)
        raise RegistryMisbehaved(f"{_shown(urlsplit(url))} redirects more than {MAX_REDIRECTS} times.")

    def _send_once(self, request: "_Request", url: str) -> requests.Response:
        parts = urlsplit(url)
        # The same host in the clear is another place: a redirect must not strip TLS from a password.
        is_theirs = authority_of(parts) == request.credentials_for and (parts.scheme == "https" or not self._is_https)
        sent = {name: value for name, value in request.headers.items() if is_theirs or name != "Authorization"}
        sent |= {"Accept-Encoding": "identity", "User-Agent": _USER_AGENT}
        proxies = {"http": self.settings.proxy_url, "https": self.settings.proxy_url} if self.settings.proxy_url else {}
        if proxies:
            self._check_behind_proxy(parts)
        seconds = self.settings.total_seconds + len(request.body or b"") / SLOWEST_BYTES_A_SECOND
        with self._deadline(seconds, _shown(parts)):
            return self._session.request(
                request.method,
                url,
                headers=sent,
                data=request.body,
                stream=True,
                allow_redirects=False,
                proxies=proxies,
                timeout=(self.settings.connect_seconds, self.settings.idle_seconds),
            )

    def _check_behind_proxy(self, parts: SplitResult) -> None:
        """The proxy connects, so the address cannot be pinned; one that we can look up is still judged."""
        try:
            self.book.address_of(parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
        except RegistryUnavailable:
            return  # names that only the proxy can look up

    @contextmanager
    def _deadline(self, seconds: float, shown: str) -> Iterator[None]:
        """Ends what is inside after ``seconds``, also when a byte trickles in now and then."""
        is_over = threading.Event()

        def end() -> None:
            is_over.set()
            self.book.cut()

        timer = threading.Timer(seconds, end)
        timer.daemon = True
        timer.start()
        try:
            yield
            if is_over.is_set():  # cut, and read as the end of a body without a length
                raise OSError
        except (requests.RequestException, HTTPError, OSError) as error:
            if is_over.is_set():
                raise RegistryUnavailable(f"{shown} was not done after {seconds:.0f} s.") from error
            cause = _cause(error)
            if isinstance(cause, ssl.SSLCertVerificationError):
                raise CertificateRefused(
                    f"The certificate of {shown} is not accepted: {cause.verify_message}.",
                    cure="If the registry has a CA of its own, add its certificate; else renew the registry's.",
                ) from error
            said = str(cause)[:300] or type(cause).__name__
            raise RegistryUnavailable(f"{shown} cannot be reached or read: {said}.") from error
        finally:
            timer.cancel()

    def _wait(self, attempt: int, wait_seconds: float | None) -> None:
        """Longer each time, with jitter, so that many workers do not come back at once."""
        backoff = self.settings.first_wait_seconds * 2 ** (attempt - 1)
        time.sleep(wait_seconds if wait_seconds is not None else backoff * (0.5 + random.random()))  # noqa: S311


@dataclass(frozen=True, slots=True)
class _Request:
    """What is sent, wherever redirects lead."""

    method: str
    headers: Mapping[str, str]
    body: bytes | None
    credentials_for: str  # host:port


class _Session(requests.Session):
    """Follows nothing, and does not even look: a Location is read by ``Transport.checked`` alone."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        return None


class _PinnedAdapter(HTTPAdapter):
    """Connects to the address that the book gives, while TLS still checks the host's name."""

    def __init__(self, book: AddressBook, context: ssl.SSLContext) -> None:
        self._book = book
        self._context = context
        super().__init__(pool_connections=4, pool_maxsize=4, max_retries=0)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any) -> None:
        super().init_poolmanager(connections, maxsize, block, ssl_context=self._context, **pool_kwargs)  # type: ignore[no-untyped-call]
        self.poolmanager.pool_classes_by_scheme = _pinned_pools(self._book)

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, ssl_context=self._context, **proxy_kwargs)
        manager.pool_classes_by_scheme = _pinned_pools(self._book)
        return manager


def _pinned_pools(book: AddressBook) -> dict[str, type[HTTPConnectionPool]]:
    class PlainConnection(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return _connect(self, book)

    class TlsConnection(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return _connect(self, book)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = PlainConnection  # type: ignore[assignment]

    class TlsPool(HTTPSConnectionPool):
        ConnectionCls = TlsConnection  # type: ignore[assignment]

    return {"http": PlainPool, "https": TlsPool}


def _connect(connection: HTTPConnection, book: AddressBook) -> socket.socket:
    address = book.address_of(connection.host, connection.port)
    try:
        found = create_connection(
            (address, connection.port), connection.timeout, socket_options=connection.socket_options
        )
    except TimeoutError as error:
        raise ConnectTimeoutError(connection, f"{address} does not answer") from error
    except OSError as error:
        raise NewConnectionError(connection, f"{address} cannot be connected to: {error}") from error
    book.opened(found)
    return found


def _tls_context(settings: ConnectionSettings) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.ca_pem:
        context.load_verify_locations(cadata=settings.ca_pem)
    return context


def _retry_after(answer: requests.Response) -> float | None:
    """Seconds, from a number or a date (RFC 9110, 10.2.3); None where there is none."""
    text = answer.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(min(int(text[:9]), 86_400))
    try:
        until = email.utils.parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return max(0.0, until.timestamp() - time.time())


def _shown(url: SplitResult) -> str:
    """A URL for sentences: no query, which may hold a signature or token."""
    return f"{url.scheme}://{url.hostname or ''}{f':{url.port}' if url.port else ''}{url.path}"[:300]


def _cause(error: BaseException) -> BaseException:
    """The innermost error: requests and urllib3 wrap it three deep."""
    found = error
    while True:
        inner = getattr(found, "reason", None) or (found.args[0] if found.args else None)
        if not isinstance(inner, BaseException):
            return found
        found = inner
