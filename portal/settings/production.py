"""What runs: a missing secret stops the start."""

import secrets

from portal.settings import environment as env
from portal.settings.base import *  # noqa: F403
from portal.settings.base import GOLDGATE_BEHIND_PROXY, GOLDGATE_URL

# Only the web process signs sessions. The others get a key of the moment, which opens nothing.
_process = env.text("GOLDGATE_PROCESS", "web")
SECRET_KEY = env.secret_file("GOLDGATE_SESSION_KEY_FILE")
if not SECRET_KEY and _process == "web":
    raise env.SettingMissing("GOLDGATE_SESSION_KEY_FILE is not set: it names the file that sessions are signed with.")
SECRET_KEY = SECRET_KEY or secrets.token_urlsafe(48)

DEBUG = False
ALLOWED_HOSTS = env.text("GOLDGATE_ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]").split(",")
CSRF_TRUSTED_ORIGINS = [GOLDGATE_URL]
_is_https = GOLDGATE_URL.startswith("https://")
SESSION_COOKIE_SECURE = _is_https
CSRF_COOKIE_SECURE = _is_https
SECURE_HSTS_SECONDS = 31_536_000 if _is_https else 0
SILENCED_SYSTEM_CHECKS = [
    "security.W005",  # HSTS for subdomains and
    "security.W021",  # preloading bind hosts that are not ours to bind
    "security.W008",  # the proxy that ends TLS redirects; health is asked over plain HTTP behind it
]
if GOLDGATE_BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
