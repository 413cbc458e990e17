"""One supervisord over everything: it starts, restarts and stops; we write its file and ask it."""

import ctypes
import os
import shlex
import signal
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import Faults, SupervisorTransport

from portal.local.errors import CannotStart
from portal.local.home import Home
from portal.local.options import PROJECT
from portal.local.programs import PRIORITY_STORES, Program

PR_SET_PDEATHSIG = 1  # prctl(2)


def _quoted(environment: Mapping[str, str]) -> str:
    # supervisord reads KEY="value" pairs and expands %(…)s in them.
    return ",".join('{}="{}"'.format(k, v.replace("%", "%%").replace('"', '\\"')) for k, v in environment.items())


def _section(program: Program, *, home: Home, common: Mapping[str, str]) -> str:
    environment = dict(common) | program.environment if program.name != "gate" else program.environment
    lines = [
        f"[program:{program.name}]",
        f"command={program.command}",
        f"directory={PROJECT}",
        f"priority={program.priority}",
        "autostart=false",
        "autorestart=true",
        "startsecs=1",
        "startretries=10",
        f"stopsignal={program.stop_signal}",
        f"stopwaitsecs={program.stop_seconds}",
        "killasgroup=true",
        "redirect_stderr=true",
        f"stdout_logfile={home.log / program.name}.log",
        "stdout_logfile_maxbytes=10MB",
        "stdout_logfile_backups=2",
    ]
    if program.user:
        lines.append(f"user={program.user}")
    if program.name not in ("postgres", "redis"):
        lines.append(f"environment={_quoted(environment)}")
    return "\n".join(lines)


def write_configuration(programs: list[Program], *, home: Home, common: Mapping[str, str]) -> Path:
    """supervisord's file, readable by the owner alone (it names addresses, no secrets)."""
    socket_path = home.run / "supervisor.sock"
    head = f"""[supervisord]
nodaemon=true
logfile={home.log / "supervisord.log"}
pidfile={home.run / "supervisord.pid"}
childlogdir={home.log}
identifier=goldgate
{"user=root" if os.geteuid() == 0 else ""}

[unix_http_server]
file={socket_path}
chmod=0700

[supervisorctl]
serverurl=unix://{socket_path}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""
    path = home.run / "supervisord.conf"
    sections = [_section(program, home=home, common=common) for program in programs]
    # Two groups, not nine: supervisord stops one group a second, and the stores last.
    for group, members in _groups(programs).items():
        priority = _priority(members)
        sections.append(f"[group:{group}]\nprograms={','.join(p.name for p in members)}\npriority={priority}")
    path.write_text(head + "\n" + "\n\n".join(sections) + "\n", encoding="utf-8")
    path.chmod(0o600)
    return path


def _groups(programs: list[Program]) -> dict[str, list[Program]]:
    grouped: dict[str, list[Program]] = {}
    for program in programs:
        grouped.setdefault(group_of(program), []).append(program)
    return grouped


def group_of(program: Program) -> str:
    """``stores`` for what keeps facts, ``portal`` for what serves them."""
    return "stores" if program.priority == PRIORITY_STORES else "portal"


def _priority(members: list[Program]) -> int:
    return min(program.priority for program in members)


def _die_with_parent() -> None:
    """Linux: if the launcher is killed hard, supervisord is asked to stop, and stops its children."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Supervisor:
    """A running supervisord of ours."""

    def __init__(self, configuration: Path, home: Home) -> None:
        self._home = home
        # A session of its own: Ctrl-C reaches the launcher alone, which then stops everything in order.
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "supervisor.supervisord", "-c", str(configuration)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
            start_new_session=True, preexec_fn=_die_with_parent,
        )  # fmt: skip
        self._rpc = self._connect()

    def _connect(self) -> Any:
        """The supervisor's RPC, once it answers. A transport that failed once stays unusable: a new one each time."""
        deadline = time.monotonic() + 10
        while True:
            transport = SupervisorTransport(None, None, f"unix://{self._home.run / 'supervisor.sock'}")
            rpc: Any = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport).supervisor
            try:
                rpc.getState()
                return rpc
            except OSError as error:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    log = self._home.log / "supervisord.log"
                    raise CannotStart(f"supervisord does not start; {log} ends with:\n{tail(log)}") from error
                time.sleep(0.02)

    def start(self, programs: list[Program]) -> None:
        """Start programs without waiting for each; what does not stay up is told by ``failed``."""
        for program in programs:
            try:
                self._rpc.startProcess(f"{group_of(program)}:{program.name}", False)
            except xmlrpc.client.Fault as fault:
                if fault.faultCode != Faults.ALREADY_STARTED:
                    raise CannotStart(f"{program.name} cannot be started: {fault.faultString}") from fault

    def failed(self) -> str:
        """The first program that is not coming up, or ""."""
        for info in self._rpc.getAllProcessInfo():
            if info["statename"] in ("FATAL", "BACKOFF"):
                return str(info["name"])
        return ""

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        """Ask supervisord to stop everything in order, and wait for it."""
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)


def tail(path: Path, lines: int = 5) -> str:
    """The last lines of a log, for the sentence that says why something did not start."""
    try:
        return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


def shell_line(environment: Mapping[str, str]) -> str:
    """``export`` lines for script/manage and script/goldgate."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in environment.items())
