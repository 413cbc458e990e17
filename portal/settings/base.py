"""What every process shares. Each variable is listed in docs/reference/settings.md (a test compares)."""

from datetime import timedelta
from pathlib import Path

from portal.settings import environment as env

ROOT = Path(__file__).resolve().parents[2]

GOLDGATE_HOME = Path(env.text("GOLDGATE_HOME", str(ROOT / "var"))).resolve()
GOLDGATE_URL = env.text("GOLDGATE_URL", "http://127.0.0.1:8000").rstrip("/")
GOLDGATE_DEMO = env.flag("GOLDGATE_DEMO", default=False)
# One person alone: k is 1, self-review is allowed, and every certificate made so says it.
GOLDGATE_ONE_PERSON = env.flag("GOLDGATE_ONE_PERSON", default=False)
# Seconds until a snapshot's timestamp expires: what a partitioned gate still answers (design: 15 min).
GOLDGATE_TIMESTAMP_SECONDS = env.seconds("GOLDGATE_TIMESTAMP_SECONDS", 900)
# Seconds that the publisher goes on signing the last snapshot while PostgreSQL is away (design: 24 h).
GOLDGATE_OUTAGE_SECONDS = env.seconds("GOLDGATE_OUTAGE_SECONDS", 86_400)
# Seconds that a worker holds a job before another may take it; renewed while it works.
GOLDGATE_LEASE_SECONDS = env.seconds("GOLDGATE_LEASE_SECONDS", 60)
# Which process this is; nobody but ``builder`` executes a Dockerfile.
GOLDGATE_PROCESS = env.text("GOLDGATE_PROCESS", "web")
# Key files: each process is given only the ones it needs.
GOLDGATE_CREDENTIALS_KEY = env.secret_file("GOLDGATE_CREDENTIALS_KEY_FILE")
GOLDGATE_SIGNING_KEY_FILE = env.text("GOLDGATE_SIGNING_KEY_FILE", "")
GOLDGATE_SIGNING_PASSPHRASE_FILE = env.text("GOLDGATE_SIGNING_PASSPHRASE_FILE", "")
GOLDGATE_SNAPSHOT_KEYS_DIR = env.text("GOLDGATE_SNAPSHOT_KEYS_DIR", "")
GOLDGATE_AUDIT_KEY_FILE = env.text("GOLDGATE_AUDIT_KEY_FILE", "")
# A directory elsewhere (another disk, a mounted share, a git work tree) that receives checkpoints.
GOLDGATE_AUDIT_SINK = env.text("GOLDGATE_AUDIT_SINK", "")

# The portal stands behind a proxy that sets X-Forwarded-Proto and appends to X-Forwarded-For.
GOLDGATE_BEHIND_PROXY = env.flag("GOLDGATE_BEHIND_PROXY", default=False)

DATABASES = {"default": env.database("DATABASE_URL")}
DATABASES["default"]["ATOMIC_REQUESTS"] = False
REDIS_URL = env.text("REDIS_URL")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "pgtrigger",
    "axes",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "django_celery_beat",
    "audit",
    "jobs",
    "accounts",
    "policies",
    "registry",
    "catalog",
    "signing",
    "scans",
    "builds",
    "approvals",
    "admission",
    "web",
    "portal",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "portal.request_id.RequestIdMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "portal.enforcement.AccessMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
    "web.views.errors.RefusalMiddleware",
]

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
AUTH_USER_MODEL = "accounts.Person"
GOLDGATE_JOB_ASKER = "accounts.selectors.asker"  # whose jobs a caller may cancel: jobs know no people
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "web.context.shell",
            ],
        },
    }
]

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

STATIC_URL = "/static/"
STATICFILES_DIRS = [ROOT / "static"]
# Where static files are collected. An image collects them at build time and names the place; it is then not written to.
_static_root = env.text("GOLDGATE_STATIC_ROOT", "")
STATIC_ROOT_IS_BUILT = bool(_static_root)
STATIC_ROOT = Path(_static_root) if _static_root else GOLDGATE_HOME / "static"

LOGIN_URL = "web:signin"
LOGIN_REDIRECT_URL = "web:home"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 60 * 60  # seconds
SESSION_COOKIE_NAME = "goldgate_session"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024  # bytes, of a form or JSON body without its files
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024  # bytes, above which an upload goes to disk

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}

# A person who mistypes is slowed by address and name together, so that nobody can lock out another.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=10)
AXES_RESET_ON_SUCCESS = True
AXES_USERNAME_CALLABLE = "portal.authentication.folded_name"
AXES_CLIENT_IP_CALLABLE = "portal.authentication.client_address"
AXES_LOCKOUT_CALLABLE = "portal.authentication.keep_response"
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "portal.authentication.TokenAuthentication",
        "portal.authentication.PersonSessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["portal.permission.TablePermission"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["portal.parsers.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "portal.problem.exception_handler",
    "DEFAULT_PAGINATION_CLASS": None,
    "DEFAULT_VERSIONING_CLASS": None,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Goldgate",
    "VERSION": "1",
    "DESCRIPTION": "Which container base images are acceptable, and the gate that holds clusters to it.",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    # Enumerations stay with their members: rooms need not agree on names for every "state" and "kind".
    "POSTPROCESSING_HOOKS": ["portal.openapi.say_who_may"],
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
}

CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request_id": {"()": "portal.request_id.RequestIdFilter"}},
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["request_id"]}},
    "root": {"handlers": ["stderr"], "level": env.text("GOLDGATE_LOG_LEVEL", "INFO")},
}

# How builds are held, and what one may use (docs/runbooks/builder.md).
GOLDGATE_BUILDER_USER = env.text("GOLDGATE_BUILDER_USER", "")
GOLDGATE_BUILDER_SECONDS = env.seconds("GOLDGATE_BUILDER_SECONDS", 3600)
GOLDGATE_BUILDER_MEMORY_BYTES = env.whole("GOLDGATE_BUILDER_MEMORY_BYTES", 4 * 1024**3)
GOLDGATE_BUILDER_CPUS = env.whole("GOLDGATE_BUILDER_CPUS", 2)
GOLDGATE_BUILDER_DISK_BYTES = env.whole("GOLDGATE_BUILDER_DISK_BYTES", 20 * 1024**3)
GOLDGATE_BUILDER_PROCESSES = env.whole("GOLDGATE_BUILDER_PROCESSES", 1024)
# Files and directories of this machine that every build sees read-only at the same place: "/path,/path:/where".
GOLDGATE_BUILDER_MOUNTS = env.text("GOLDGATE_BUILDER_MOUNTS", "")
# Hosts with private addresses that sources may list, as "host:port", separated by commas.
GOLDGATE_BUILDER_PRIVATE_HOSTS = env.text("GOLDGATE_BUILDER_PRIVATE_HOSTS", "")

# Where recipes may be fetched from: directories of this machine, hosts as "host" or "host:port", separated by commas.
GOLDGATE_SOURCE_DIRECTORIES = env.text("GOLDGATE_SOURCE_DIRECTORIES", "")
GOLDGATE_SOURCE_HOSTS = env.text("GOLDGATE_SOURCE_HOSTS", "")
# Those that may have private addresses.
GOLDGATE_SOURCE_PRIVATE_HOSTS = env.text("GOLDGATE_SOURCE_PRIVATE_HOSTS", "")
GOLDGATE_SOURCE_CA_FILE = env.text("GOLDGATE_SOURCE_CA_FILE", "")
GOLDGATE_SOURCE_SSH_KEY_FILE = env.text("GOLDGATE_SOURCE_SSH_KEY_FILE", "")

# BuildKit: buildctl, a buildkitd at tcp://host:port, and the builder's own certificate for it.
GOLDGATE_BUILDKIT_BUILDCTL = env.text("GOLDGATE_BUILDKIT_BUILDCTL", "buildctl")
GOLDGATE_BUILDKIT_ADDRESS = env.text("GOLDGATE_BUILDKIT_ADDRESS", "")
GOLDGATE_BUILDKIT_CA_FILE = env.text("GOLDGATE_BUILDKIT_CA_FILE", "")
GOLDGATE_BUILDKIT_CERTIFICATE_FILE = env.text("GOLDGATE_BUILDKIT_CERTIFICATE_FILE", "")
GOLDGATE_BUILDKIT_KEY_FILE = env.text("GOLDGATE_BUILDKIT_KEY_FILE", "")

# Sign-in by LDAP; its other variables are read in integrations/ldap.py.
GOLDGATE_LDAP_URI = env.text("GOLDGATE_LDAP_URI", "")
GOLDGATE_DIRECTORY = ""
GOLDGATE_LDAP_ID_ATTRIBUTE = ""
GOLDGATE_LDAP_NAME_ATTRIBUTE = ""
GOLDGATE_LDAP_GROUP_ROLES: list[tuple[str, str]] = []
GOLDGATE_LDAP_REFRESH_SECONDS = 0.0
if GOLDGATE_LDAP_URI:
    from portal.settings.integrations import ldap as ldap_integration

    globals().update(ldap_integration.configured())
