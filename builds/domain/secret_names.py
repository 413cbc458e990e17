"""Which files are looked into for secrets, and which are secrets by their name alone."""

import re

MAX_TEXT_BYTES = 256 * 1024
_PLACES = ("etc/", "root/", "home/", "app/", "opt/", "srv/", "usr/local/", "run/", "tmp/", "workspace/")
# Matched against the path; each with what it is called.
_NAMES = (
    (re.compile(r"(^|/)id_(rsa|dsa|ecdsa|ed25519)(_sk)?$"), "SSH private key"),
    (re.compile(r"(^|/)\.(npmrc|pypirc|netrc|pgpass|my\.cnf|s3cfg)$"), "file of passwords or tokens"),
    (re.compile(r"(^|/)\.(dockercfg|docker/config\.json)$|(^|/)containers/auth\.json$"), "registry credentials"),
    (re.compile(r"(^|/)\.(aws/credentials|azure/accessTokens\.json|config/gcloud/.+\.db)$"), "cloud credentials"),
    (re.compile(r"(^|/)\.git-credentials$"), "git credentials"),
    (re.compile(r"(^|/)\.env(\.(local|production|prod))?$"), "environment file"),
    (re.compile(r"(^|/)\.kube/config$"), "cluster credentials"),
    (re.compile(r"(^|/)\.(bash|zsh|python|psql|mysql)_history$"), "history of commands"),
    (re.compile(r"(^|/)\.vault-token$|(^|/)\.gnupg/(secring\.gpg|private-keys-v1\.d/.+)$"), "key or token"),
)  # fmt: skip
# One of these is in every name above; a thousand ordinary paths are let pass by it for one that is looked at.
_HINTS = ("/.", "id_", "auth.json")


def name_of_secret(path: str) -> str:
    """What a path's name says that it holds ("SSH private key"); "" for a name that says nothing."""
    if not path.startswith(".") and not any(hint in path for hint in _HINTS):
        return ""
    return next((what for pattern, what in _NAMES if pattern.search(path)), "")


def is_text_place(path: str, size: int) -> bool:
    """Whether a file of ``size`` bytes is read for secrets."""
    if not 0 < size <= MAX_TEXT_BYTES:
        return False
    return path.startswith(_PLACES) or "/" not in path or path.endswith((".pem", ".key", ".p12", ".env"))
