"""The OIDC token of a pipeline: taken from where GitHub Actions and GitLab CI put it, kept nowhere, said nowhere.

GitHub gives an address and a token to ask it with (``ACTIONS_ID_TOKEN_REQUEST_URL``, ``…_TOKEN``); GitLab writes the
token itself into the variable that the job's ``id_tokens`` names.
"""

import os
import sys
from urllib.parse import urlencode, urlsplit

from goldgate_cli.api import Api, object_of
from goldgate_cli.configuration import Account
from goldgate_cli.errors import CommandError, NotPermitted, Unreachable, WrongInput

VARIABLE = "GOLDGATE_ID_TOKEN"
REQUEST_URL, REQUEST_TOKEN = "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
WHERE = (
    f"GitHub Actions: give the job `permissions: id-token: write`. GitLab CI: give it"
    f" `id_tokens: {{{VARIABLE}: {{aud: …}}}}`. Elsewhere: set {VARIABLE}, or use --token-stdin."
)


def pipeline_token(*, audience: str, is_stdin: bool) -> str:
    """The token, made for ``audience`` where one can be asked for.

    Raises NotPermitted where there is none; Unreachable and NotPermitted, where GitHub gives none.
    """
    if is_stdin:
        found = sys.stdin.readline().strip()
    elif VARIABLE in os.environ:
        found = os.environ[VARIABLE].strip()
    elif os.environ.get(REQUEST_URL) and os.environ.get(REQUEST_TOKEN):
        found = _asked(os.environ[REQUEST_URL], os.environ[REQUEST_TOKEN], audience)
    else:
        raise NotPermitted(f"There is no token of a pipeline here.\n{WHERE}")
    if not found:
        raise NotPermitted(f"The pipeline's token is empty.\n{WHERE}")
    if any(sign.isspace() or not sign.isascii() for sign in found):
        raise WrongInput("The pipeline's token is no token: it has spaces or other letters.")
    return found


def _asked(address: str, secret: str, audience: str) -> str:
    """Ask the runner's own service; its address has a query already."""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise WrongInput(f"{REQUEST_URL} is no address.")
    joint = "&" if parts.query else "?"
    runner = Api(Account(f"{parts.scheme}://{parts.netloc}", secret))
    try:
        response = runner.call("GET", f"{address}{joint}{urlencode({'audience': audience})}")
        found = object_of(response).get("value")
    except CommandError as error:
        # Its words are not ours to repeat: whatever it answers may hold what it was asked with.
        kind = NotPermitted if isinstance(error, NotPermitted) else Unreachable
        raise kind(f"{parts.hostname} gave no token for this job. Has it `permissions: id-token: write`?") from None
    if not isinstance(found, str):
        raise Unreachable(f"{parts.hostname} answered without a token.")
    return found.strip()
