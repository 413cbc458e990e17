"""Where Goldgate is and who asks: ``GOLDGATE_URL`` and ``GOLDGATE_TOKEN``, else what ``goldgate login`` kept."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from goldgate_cli.errors import NotPermitted, WrongInput
from goldgate_cli.files import write_file


@dataclass(frozen=True, slots=True)
class Account:
    """One Goldgate and one token. ``ca_file`` is "" for the system's authorities."""

    url: str
    token: str
    ca_file: str = ""


def path() -> Path:
    """``$XDG_CONFIG_HOME/goldgate/account.json``, readable by its owner alone."""
    root = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(root) / "goldgate" / "account.json"


def checked_url(url: str) -> str:
    """``url`` without a trailing slash. Raises WrongInput for anything but http(s)://host."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise WrongInput(f"{url!r} is not the address of a Goldgate; it looks like https://goldgate.example.")
    return url.rstrip("/")


def load_without_token() -> Account:
    """Where Goldgate is, for whoever shows another token than the one kept: that one stays out of it.

    Raises WrongInput where nothing says where it is.
    """
    ca_file = os.environ.get("GOLDGATE_CA_FILE", "")
    if url := os.environ.get("GOLDGATE_URL", ""):
        return Account(checked_url(url), "", ca_file)
    try:
        kept = load()
    except NotPermitted:
        raise WrongInput("Say where Goldgate is: set GOLDGATE_URL.") from None
    return Account(kept.url, "", kept.ca_file)


def load() -> Account:
    """Raises NotPermitted when nobody has signed in, WrongInput for a damaged file."""
    url, token = os.environ.get("GOLDGATE_URL", ""), os.environ.get("GOLDGATE_TOKEN", "")
    ca_file = os.environ.get("GOLDGATE_CA_FILE", "")
    if url and token:
        return Account(checked_url(url), token, ca_file)
    try:
        kept = Account(**json.loads(path().read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise NotPermitted("Not signed in. Run: goldgate login URL (or set GOLDGATE_URL and GOLDGATE_TOKEN).") from None
    except (OSError, ValueError, TypeError) as error:
        raise WrongInput(f"{path()} cannot be used ({error}). Run goldgate login again.") from error
    address = checked_url(url or kept.url)
    if not token and address != kept.url:
        # What was kept for one Goldgate is not shown to another.
        raise NotPermitted(f"Not signed in to {address}. Set GOLDGATE_TOKEN too, or run: goldgate login {address}.")
    return Account(address, token or kept.token, ca_file or kept.ca_file)


def save(account: Account) -> Path:
    """Keep ``account`` for later commands; the file is never readable by others, not even for a moment.

    Raises WrongInput where it cannot be written.
    """
    target = path()
    try:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_file(target, json.dumps(asdict(account)).encode(), mode=0o600)
    except OSError as error:
        raise WrongInput(f"{target} cannot be written: {error.strerror}. Set XDG_CONFIG_HOME.") from error
    return target
