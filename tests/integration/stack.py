"""A whole Goldgate as a newcomer starts it: ``script/server`` in a home of its own, on free ports.

``Stack`` starts and stops it; ``Member`` is a person who signed in, changed the one-time password and made a token.
"""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import requests

from tests.ports import free_port

PROJECT = Path(__file__).resolve().parents[2]
PASSWORD = "four plain words together"
START_SECONDS = 240
T = TypeVar("T")


def eventually(ask: Callable[[], T], *, seconds: float = 60, what: str = "", pause: float = 0.2) -> T:
    """The first true answer of ``ask``; fails with ``what`` and the last answer when there is none in time."""
    deadline = time.monotonic() + seconds
    while True:
        last = ask()
        if last:
            return last
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what} (last: {last!r})")
        time.sleep(pause)


class Stack:
    """A running ``script/server``."""

    def __init__(self, home: Path, **environment: str) -> None:
        self.home = home
        self.port, self.gate_port = free_port(), free_port()
        self.url, self.gate_url = f"http://127.0.0.1:{self.port}", f"https://127.0.0.1:{self.gate_port}"
        kept = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE")}
        self.environment = kept | {
            "GOLDGATE_HOME": str(home),
            "GOLDGATE_PORT": str(self.port),
            "GOLDGATE_GATE_PORT": str(self.gate_port),
            **environment,
        }
        self.said: list[str] = []
        self.process: subprocess.Popen[str] | None = None

    def start(self, *arguments: str) -> float:
        """Start it; returns the seconds until it said that it is ready."""
        began = time.monotonic()
        self.process = subprocess.Popen(
            [PROJECT / "script" / "server", *arguments],
            env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip
        ready = threading.Event()

        def listen(process: subprocess.Popen[str]) -> None:
            for line in process.stdout or ():
                self.said.append(line.rstrip())
                if "Goldgate is ready" in line:
                    ready.set()

        self._listener = threading.Thread(target=listen, args=[self.process], daemon=True)
        self._listener.start()
        while not ready.wait(0.1):
            if self.process.poll() is not None or time.monotonic() - began > START_SECONDS:
                self.stop()
                raise AssertionError("script/server did not get ready:\n" + "\n".join(self.said) + self.logs())
        return time.monotonic() - began

    def stop(self) -> None:
        """Ctrl-C, and see that nothing is left behind."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(timeout=60)
        finally:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)
            self._listener.join(timeout=5)
            if self.process.stdout:
                self.process.stdout.close()

    def leftovers(self) -> list[str]:
        """Processes that still name this home, by their command lines and environments."""
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                environment = (entry / "environ").read_bytes()
            except OSError:
                continue
            if str(self.home) in command or f"GOLDGATE_HOME={self.home}\0".encode() in environment:
                found.append(command)
        return found

    def logs(self) -> str:
        parts = []
        for path in sorted((self.home / "log").glob("*.log")):
            lines = path.read_text(errors="replace").splitlines()[-15:]
            parts.append(f"\n== {path.name}\n" + "\n".join(lines))
        return "".join(parts)

    def pid_of(self, program: str) -> int:
        """The pid that supervisord gave ``program`` last."""
        lines = (self.home / "log" / "supervisord.log").read_text().splitlines()
        spawned = [line for line in lines if f"spawned: '{program}'" in line]
        return int(spawned[-1].rsplit(" ", 1)[1])

    def manage(self, *arguments: str) -> str:
        run = subprocess.run(
            [PROJECT / "script" / "manage", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stderr
        return run.stdout

    def goldgate(self, token: str, *arguments: str, **more: Any) -> "subprocess.CompletedProcess[str]":
        """The command line as this person."""
        environment = self.environment | {"GOLDGATE_URL": self.url, "GOLDGATE_TOKEN": token, "NO_COLOR": "1"}
        return subprocess.run(
            [PROJECT / "script" / "goldgate", *arguments],
            env=environment, capture_output=True, text=True, check=False, **more,
        )  # fmt: skip

    def add_person(self, name: str, *roles: str) -> "Member":
        said = self.manage("person", "add", name, *(word for role in roles for word in ("--role", role)))
        one_time = re.search(r"one-time password (\S+)", said)
        assert one_time, said
        return Member(self.url, name, one_time[1])

    def administrator(self) -> "Member":
        text = (self.home / "first-administrator-password").read_text()
        return Member(self.url, "admin", text.split()[-1])


class Member:
    """A person with a browser session and a token that carries every scope."""

    def __init__(self, url: str, name: str, one_time_password: str) -> None:
        self.url, self.name, self.password = url, name, PASSWORD
        self.browser = requests.Session()
        self._post("/signin", username=name, password=one_time_password)
        self._post("/password", old_password=one_time_password, new_password=PASSWORD, again=PASSWORD)
        self._make_token()

    @classmethod
    def with_password(cls, url: str, name: str, password: str) -> "Member":
        """A person whose password needs no change."""
        member = cls.__new__(cls)
        member.url, member.name, member.password = url, name, password
        member.browser = requests.Session()
        member._post("/signin", username=name, password=password)
        member._make_token()
        return member

    def _make_token(self) -> None:
        made = self.browser.post(
            f"{self.url}/api/v1/tokens",
            json={
                "name": "walk",
                "scopes": self._scopes(),
                "expires_at": (datetime.now(UTC) + timedelta(days=1)).isoformat(),
            },
            headers={"X-CSRFToken": self._csrf("/tokens"), "Referer": self.url},
        )
        assert made.status_code == 201, made.text
        self.token = made.json()["secret"]
        self.api = requests.Session()
        self.api.headers["Authorization"] = f"Bearer {self.token}"

    def _scopes(self) -> list[str]:
        document = requests.get(f"{self.url}/api/v1/openapi.json", timeout=30).json()
        scopes = document["components"]["schemas"]["TokenInputRequest"]["properties"]["scopes"]["items"]
        if "$ref" in scopes:
            scopes = document["components"]["schemas"][scopes["$ref"].rsplit("/", 1)[1]]
        return list(scopes["enum"])

    def _csrf(self, path: str) -> str:
        page = self.browser.get(self.url + path)
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert found, f"{page.status_code} {page.url}: no form"
        return found[1]

    def _post(self, path: str, **fields: str) -> requests.Response:
        """Fill a page's form. Fails with the page's words when it is refused."""
        fields["csrfmiddlewaretoken"] = self._csrf(path)
        answer = self.browser.post(self.url + path, data=fields, headers={"Referer": self.url + path})
        words = re.sub(r"<[^>]+>|\s+", " ", answer.text)
        assert answer.ok, f"{path}: {answer.status_code} {words[:1500]}"
        return answer

    def get(self, path: str, **parameters: Any) -> Any:
        answer = self.api.get(f"{self.url}/api/v1/{path}", params=parameters)
        assert answer.ok, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def post(self, path: str, body: Any = None, *, expect: int | None = None) -> Any:
        """POST JSON; ``expect`` names the status that must come, else any 2xx."""
        answer = self.api.post(f"{self.url}/api/v1/{path}", json=body if body is not None else {})
        is_right = answer.status_code == expect if expect else answer.ok
        assert is_right, f"{path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else {}

    def act(self, path: str, body: Any = None, *, expect: int | None = None) -> Any:
        """POST JSON as the browser session does: what no token may (review, suspend, revoke)."""
        answer = self.browser.post(
            f"{self.url}/api/v1/{path}",
            json=body if body is not None else {},
            headers={"X-CSRFToken": self._csrf("/tokens"), "Referer": self.url},
        )
        is_right = answer.status_code == expect if expect else answer.ok
        assert is_right, f"{path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else {}

    def wait_for_scan(self, digest: str, *, seconds: float = 180) -> None:
        address = f"{self.url}/api/v1/artifacts/{digest}/scan"
        eventually(
            lambda: self.api.get(address).json().get("state") == "complete",
            seconds=seconds,
            what=f"the scan of {digest[:19]}",
        )

    def wait_for_evidence(self, digest: str) -> None:
        """Until the image, which has a place, is scanned and its files are read: what a packet is frozen from."""
        self.wait_for_scan(digest)

        def read() -> bool:
            images = self.get(f"artifacts/{digest}/inspection")["images"]
            return bool(images) and {one["state"] for one in images} == {"complete"}

        eventually(read, seconds=120, what="the look into its files")

    def run(self, path: str, body: Any = None, *, seconds: float = 180) -> Any:
        """POST what starts a job, and wait until the job has ended well."""
        answer = self.api.post(f"{self.url}/api/v1/{path}", json=body if body is not None else {})
        assert answer.status_code == 202, f"{path}: {answer.status_code} {answer.text}"
        return self.wait(answer.headers["Location"], seconds=seconds) | {"answer": answer.json()}

    def wait(self, location: str, *, seconds: float = 180) -> Any:
        address = location if location.startswith("http") else self.url + location

        def ended() -> Any:
            job = self.api.get(address).json()
            return job if job["state"] in ("succeeded", "failed", "cancelled") else None

        job = eventually(ended, seconds=seconds, what=f"the job {location}")
        assert job["state"] == "succeeded", job
        return job


@contextmanager
def own_home() -> Iterator[Path]:
    """A home outside pytest's own directory: PostgreSQL runs as another user there, and pytest closes that
    directory to others whenever a session begins."""
    directory = Path(tempfile.mkdtemp(prefix="goldgate-stack-"))
    directory.chmod(0o755)
    try:
        yield directory / "home"
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def running(home: Path, *arguments: str, **environment: str) -> Iterator[Stack]:
    """A started stack that is stopped at the end, whatever happens."""
    stack = Stack(home, **environment)
    stack.start(*arguments)
    try:
        yield stack
    finally:
        stack.stop()
