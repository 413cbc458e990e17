"""What pytest runs: the real parts, a throw-away home, quick password hashes."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

if "GOLDGATE_HOME" not in os.environ:
    # Workers and children inherit it, and a forked child ends earlier than the tests that it serves.
    home, made_by = tempfile.mkdtemp(prefix="goldgate-test-"), os.getpid()
    os.environ["GOLDGATE_HOME"] = home
    atexit.register(lambda: shutil.rmtree(home, ignore_errors=True) if os.getpid() == made_by else None)

from portal.settings.base import *  # noqa: F403
from portal.settings.base import DATABASES, GOLDGATE_HOME

SECRET_KEY = "tests-only-session-key"  # noqa: S105
GOLDGATE_CREDENTIALS_KEY = "dGVzdHMtb25seS1jcmVkZW50aWFscy1rZXktMzJieXQ="
DEBUG = False
GOLDGATE_PROCESS = os.environ.get("GOLDGATE_PROCESS", "test")
ALLOWED_HOSTS = ["*"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DATABASES["default"]["TEST"] = {"NAME": os.environ.get("GOLDGATE_TEST_DATABASE", "test_goldgate")}
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
Path(GOLDGATE_HOME).mkdir(parents=True, exist_ok=True)
# Browsers in tests get the files as they lie in static/, with nothing gathered first.
WHITENOISE_USE_FINDERS = True
(Path(GOLDGATE_HOME) / "static").mkdir(exist_ok=True)
