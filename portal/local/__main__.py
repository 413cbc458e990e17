"""``python -m portal.local [--demo]``: start everything, say when it answers, stop everything.

In order: home and keys → PostgreSQL and Redis → migrations, first administrator, keys → web,
worker, scheduler, signer, publisher, builder → gate → the line that says it is ready.
"""

import hashlib
import json
import os
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from types import FrameType

from gate.callers import FILE_NAME
from portal.local import postgres
from portal.local.errors import CannotStart
from portal.local.options import PROJECT, Options, reachable, read_options, require_free_ports
from portal.local.programs import (
    common_environment,
    gate_program,
    missing_for_builds,
    portal_programs,
    store_programs,
)
from portal.local.supervise import Supervisor, shell_line, tail, write_configuration

START_SECONDS = 120
ANSWERING = ("web", "publisher")  # and the gate, which waits for the publisher's first signature


class Stopped(Exception):
    """Ctrl-C or SIGTERM."""


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


def _fingerprint(database_url: str) -> str:
    """Changes with the database, migrations and static files: what the last preparation was made for."""
    digest = hashlib.sha256(database_url.encode())
    for pattern in ("*/migrations/*.py", "static/**/*", "requirements.txt", "portal/local/*.py"):
        for path in sorted(PROJECT.glob(pattern)):
            if path.is_file():
                stat = path.stat()
                digest.update(f"{path}:{stat.st_size}:{stat.st_mtime_ns}".encode())
    return digest.hexdigest()


def _manage(environment: dict[str, str], *arguments: str) -> None:
    """Run one of Django's commands. Raises CannotStart with what it said."""
    run = subprocess.run(  # noqa: S603
        [sys.executable, str(PROJECT / "manage.py"), *arguments],
        env=environment, cwd=PROJECT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if run.returncode:
        last = (run.stderr or run.stdout).strip().splitlines()[-1:] or ["no output"]
        raise CannotStart(f"{arguments[0]} failed: {last[0]}")
    if run.stdout.strip():
        _say(run.stdout.strip())


def _prepare_portal(options: Options, environment: dict[str, str]) -> None:
    """Migrations, static files, keys, the first administrator: all in one Django process, and only when due."""
    marker = options.home.run / "prepared"
    fingerprint = _fingerprint(environment["DATABASE_URL"])
    if marker.exists() and marker.read_text() == fingerprint:
        return
    home = options.home
    _manage(
        environment | {
            "GOLDGATE_PROCESS": "setup",
            "GOLDGATE_CREDENTIALS_KEY_FILE": str(home.credentials_key),
            "GOLDGATE_SIGNING_KEY_FILE": str(home.signing_key),
            "GOLDGATE_AUDIT_KEY_FILE": str(home.audit_key),
            "GOLDGATE_SNAPSHOT_KEYS_DIR": str(home.snapshot_keys),
        },
        "prepare_local", "--password-file", str(home.password_file), "--gate-home", str(home.gate),
    )  # fmt: skip
    marker.write_text(fingerprint)


def _write_gate_settings(options: Options) -> None:
    """``gate.toml`` anew at each start: the ports may have moved since the gate was enrolled."""
    enrolment = json.loads((options.home.gate / "enrolment.json").read_text(encoding="utf-8"))
    portal = f"http://{reachable(options.bind)}:{options.port}"
    settings = enrolment | {
        "portal_url": options.url,
        "metadata_url": f"{portal}/tuf/metadata/",
        "listen": f"{options.bind}:{options.gate_port}",
        "dns_names": sorted({"localhost", "127.0.0.1", "::1", reachable(options.bind)}),
        "workers": 1,
    }
    # A gate that was enrolled before there was one stays as it is: its clusters' webhooks would be refused.
    if (options.home.gate / FILE_NAME).exists():
        settings["bearer_token_file"] = FILE_NAME
    # JSON's strings, numbers and lists of strings are TOML's too.
    lines = [f"{key} = {json.dumps(value)}\n" for key, value in settings.items()]
    (options.home.gate / "gate.toml").write_text("".join(lines), encoding="utf-8")


def _answers(url: str, context: ssl.SSLContext | None = None) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5, context=context) as response:  # noqa: S310
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _wait_until_ready(options: Options, supervisor: Supervisor) -> None:
    """Ready means: the portal and the gate say so themselves, the gate with a snapshot it verified."""
    unverified = ssl.create_default_context()  # the gate's certificate is its own, made at its first start
    unverified.check_hostname = False
    unverified.verify_mode = ssl.CERT_NONE
    portal = f"http://{options.bind}:{options.port}/readyz"
    pending = {"web": (portal, None), "gate": (f"{options.gate_url}/readyz", unverified)}
    deadline = time.monotonic() + START_SECONDS
    while pending:
        pending = {name: ask for name, ask in pending.items() if not _answers(*ask)}
        failed = supervisor.failed()
        if failed or not supervisor.is_alive() or time.monotonic() > deadline:
            name = failed or next(iter(pending), "supervisord")
            log = options.home.log / f"{name}.log"
            raise CannotStart(f"{name} does not come up; {log} ends with:\n{tail(log)}")
        time.sleep(0.1)


def _announce(options: Options, started: float) -> None:
    if options.is_demo:
        people = options.home.root / "demo-people.txt"
        _say("This is the demo: its policy accepts advisories frozen at their date. Never point a cluster at it.")
        if people.exists():
            _say(people.read_text(encoding="utf-8").rstrip())
    elif options.home.password_file.exists():
        _say(f"First administrator: admin, one-time password in {options.home.password_file}")
    if "SSH_CONNECTION" in os.environ and options.bind == "127.0.0.1":
        _say(f"From your own machine: ssh -L {options.port}:127.0.0.1:{options.port} THIS-HOST")
    if not options.redis_url:
        _say("Redis 6.2 from its wheel is for trying out; set REDIS_URL to a supported server for real use.")
    if missing := missing_for_builds():
        _say(f"Nothing is built here yet: {', '.join(missing)} missing (Debian: apt-get install buildah skopeo).")
    _say("Keys are plain files readable by you alone (unprotected); docs/how-to/deploy.md says how to keep them apart.")
    _say(f"Goldgate is ready: {options.url}  ({time.monotonic() - started:.1f} s; Ctrl-C stops everything)")


def _stop_on_signal(number: int, frame: FrameType | None) -> None:
    raise Stopped


def serve(options: Options) -> None:
    """Start, wait, stop. Raises CannotStart; leaves no process behind either way."""
    started = time.monotonic()
    require_free_ports(options)
    options.home.prepare()
    if options.is_demo:
        (options.home.root / "DEMO").touch()
    own_postgres = None if options.database_url else postgres.prepare(options.home.postgres)
    database_url = options.database_url or (own_postgres.uri() if own_postgres else "")
    common = common_environment(options, database_url)
    stores, portal = store_programs(options, own_postgres), portal_programs(options)
    configuration = write_configuration([*stores, *portal, gate_program(options)], home=options.home, common=common)
    (options.home.run / "environment.sh").write_text(shell_line(common), encoding="utf-8")
    supervisor = Supervisor(configuration, options.home)
    try:
        supervisor.start(stores)
        if own_postgres:
            postgres.wait_and_create(own_postgres, timeout_seconds=30)
        _prepare_portal(options, os.environ | common)
        _write_gate_settings(options)
        # What answers is started first, and what works behind it once that does answer: started together, each
        # would wait for the others' imports on a small machine. A job asked for meanwhile waits in its row.
        answering = [program for program in portal if program.name in ANSWERING]
        supervisor.start([*answering, gate_program(options)])
        _wait_until_ready(options, supervisor)
        supervisor.start([program for program in portal if program.name not in ANSWERING])
        if options.is_demo:
            _load_demo(options, os.environ | common)
        _announce(options, started)
        while supervisor.is_alive():
            time.sleep(0.5)
        raise CannotStart(f"supervisord ended by itself; see {options.home.log / 'supervisord.log'}.")
    finally:
        supervisor.stop()


def _load_demo(options: Options, environment: dict[str, str]) -> None:
    people = options.home.root / "demo-people.txt"
    if not people.exists():
        _say("Loading the demo: real images, real advisories, three people (about a minute) …")
        credentials = {"GOLDGATE_CREDENTIALS_KEY_FILE": str(options.home.credentials_key), "GOLDGATE_PROCESS": "setup"}
        _manage(environment | credentials, "load_demo", "--people-file", str(people))


def main() -> int:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop_on_signal)
    try:
        serve(read_options(sys.argv[1:]))
    except CannotStart as refusal:
        sys.stderr.write(f"script/server: {refusal}\n")
        return 1
    except Stopped:
        _say("Stopped.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
