"""The REST API, typed as far as the command needs it. One session, capped answers, problems as sentences."""

import json
import time
from collections.abc import Callable, Iterator
from typing import IO, Any
from urllib.parse import urljoin, urlsplit

import requests

from goldgate_cli.configuration import Account
from goldgate_cli.errors import CommandError, Missing, NotPermitted, Refused, Unreachable, WrongInput

CONNECT_SECONDS, READ_SECONDS = 10, 60
MAX_ANSWER_BYTES = 64 * 1024 * 1024
TERMINAL = frozenset({"succeeded", "failed", "cancelled"})

Json = dict[str, Any]


def _sentence(body: Any, response: requests.Response) -> str:
    """What an RFC 9457 problem says, with its cure and each wrong field."""
    if not isinstance(body, dict):
        return f"{response.status_code} {response.reason} from {response.url}"
    lines = [str(body.get("detail") or body.get("title") or response.reason)]
    if body.get("cure"):
        lines.append(str(body["cure"]))
    detail = lines[0]
    for row in body.get("errors", []):
        where, what = row.get("pointer") or "/", str(row.get("detail"))
        lines.append(f"  field {where}" if what in detail else f"  {where}: {what}")
    return "\n".join(lines)


class _Bearer(requests.auth.AuthBase):
    """The token, or nothing: without this, requests would send what it finds in ~/.netrc instead."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class Api:
    """Calls under ``/api/v1`` with one token."""

    def __init__(self, account: Account) -> None:
        self._base = f"{account.url}/api/v1/"
        self._host = urlsplit(account.url).netloc
        self._session = requests.Session()
        self._session.headers["User-Agent"] = "goldgate-cli/0.1"
        self._session.auth = _Bearer(account.token)
        # Named at each request: the session's own is overruled by REQUESTS_CA_BUNDLE in the environment.
        self._verify = account.ca_file or None

    def _address(self, path: str) -> str:
        """Where ``path`` is: always on our host, whatever an answer names. The token goes nowhere else.

        A Goldgate behind a tunnel or a proxy names the address that it has for others.
        """
        parts = urlsplit(path)
        own = parts._replace(scheme="", netloc="").geturl() if parts.netloc else path
        return urljoin(self._base, own)

    def address(self, path: str) -> str:
        """Where ``path`` is, for people and for reports."""
        return urljoin(self._base, path)

    def call(self, method: str, path: str, **arguments: Any) -> requests.Response:
        """One request; its body is still to be read. Raises a CommandError for every answer that is not 2xx."""
        try:
            response = self._session.request(
                method, self._address(path), timeout=(CONNECT_SECONDS, READ_SECONDS),
                allow_redirects=False, stream=True, verify=self._verify, **arguments,
            )  # fmt: skip
        except requests.exceptions.SSLError as error:
            raise Unreachable(
                f"{self._host}: its certificate is not trusted ({error}). Name its CA: GOLDGATE_CA_FILE."
            ) from error
        except requests.exceptions.RequestException as error:
            raise Unreachable(f"{self._host} cannot be reached: {_cause(error)}") from error
        except OSError as error:  # what requests says of a CA file that is none
            raise WrongInput(f"{error}. Is GOLDGATE_CA_FILE right?") from error
        if response.ok and not response.is_redirect:
            return response
        raise self._refusal(response)

    def _refusal(self, response: requests.Response) -> CommandError:
        try:
            text = _sentence(value_of(response), response)
        except Unreachable:
            return Unreachable(
                f"{response.url} answers {response.status_code}, and not as Goldgate does. Is the address right?"
            )
        if response.status_code in (401, 403):
            return NotPermitted(text)
        if response.status_code == 404:
            return Missing(text)
        if response.status_code in (400, 405, 413, 415, 422):
            return WrongInput(text)
        if response.status_code == 409:
            return Refused(text)
        return Unreachable(text)

    def get(self, path: str, **parameters: Any) -> Json:
        """A JSON object. Parameters of value None are left out."""
        chosen = {name: value for name, value in parameters.items() if value is not None}
        return object_of(self.call("GET", path, params=chosen))

    def post(self, path: str, body: Json) -> Json:
        return object_of(self.call("POST", path, json=body))

    def patch(self, path: str, body: Json) -> Json:
        return object_of(self.call("PATCH", path, json=body))

    def delete(self, path: str) -> None:
        self.call("DELETE", path).close()

    def rows(self, path: str, *, at_most: int = 10_000, **parameters: Any) -> Iterator[Json]:
        """Every row of a list, page by page (RFC 8288 ``next`` in the body)."""
        page = self.get(path, **parameters)
        given = 0
        while True:
            for row in page["results"]:
                yield row
                given += 1
                if given >= at_most:
                    return
            following = page.get("next")
            if not following:
                return
            page = object_of(self.call("GET", following))

    def upload(self, path: str, file: IO[bytes], *, media_type: str, **parameters: Any) -> requests.Response:
        """Stream ``file`` as the body: it is never held in memory."""
        return self.call("POST", path, data=file, headers={"Content-Type": media_type}, params=parameters)

    def follow_job(self, location: str, *, told: Callable[[Json], None], pause_seconds: float = 0.5) -> Json:
        """Ask a job until it has ended, telling ``told`` each state; returns the last."""
        while True:
            job = object_of(self.call("GET", location))
            told(job)
            if job["state"] in TERMINAL:
                return job
            time.sleep(pause_seconds)


def chunks_of(response: requests.Response) -> Iterator[bytes]:
    """The body in pieces, as long as it may be. Raises Unreachable when the connection ends before it does."""
    try:
        yield from response.iter_content(1 << 16)
    except requests.exceptions.RequestException as error:
        raise Unreachable(f"{response.url} broke off in the middle of its answer.") from error
    finally:
        response.close()


def body_of(response: requests.Response) -> bytes:
    """The body. Raises Unreachable when it is larger than any answer of Goldgate."""
    body = bytearray()
    for chunk in chunks_of(response):
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise Unreachable(f"{response.url} answered with more than {MAX_ANSWER_BYTES} bytes.")
    return bytes(body)


def value_of(response: requests.Response) -> Any:
    """The body's JSON value. Raises Unreachable."""
    try:
        return json.loads(body_of(response))
    except (ValueError, RecursionError) as error:
        raise Unreachable(f"{response.url} did not answer with JSON. Is the address right?") from error


def object_of(response: requests.Response) -> Json:
    """The body's JSON object; empty for 204. Raises Unreachable."""
    if response.status_code == 204:
        return {}
    body = value_of(response)
    if not isinstance(body, dict):
        raise Unreachable(f"{response.url} answered with something else than an object.")
    return body


def _cause(error: Exception) -> str:
    """The innermost sentence: requests wraps urllib3 wraps the socket."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return str(reason or error).rsplit(": ", 1)[-1]
