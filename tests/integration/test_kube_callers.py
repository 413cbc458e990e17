"""A real API server before a gate that asks callers for a token: in the address, and in a header."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gate.__main__ import main
from gate.callers import FILE_NAME, new_token
from gate.home import Home
from gate.webhook_manifest import NAME, render
from tests.factories.gate import APP_REFERENCE, application, certified_base
from tests.gate.process import GateProcess
from tests.gate.support import PortalServer, Repository, make_home
from tests.integration.kube import KubeApiServer, missing_tools
from tests.integration.test_kube_webhook import UNKNOWN, create, pod, wait_until_in_force
from tests.ports import free_port

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[GateProcess, Home]]:
    directory: Path = tmp_path_factory.mktemp("gate")
    repository = Repository(directory / "published")
    repository.publish(certified_base(), application())
    with PortalServer(repository.directory) as portal:
        keys = {"portal_url": portal.url, "metadata_url": f"{portal.url}/tuf/metadata", "workers": 1}
        home = make_home(
            directory / "home", repository, **keys, listen=f"127.0.0.1:{free_port()}", bearer_token_file=FILE_NAME
        )
        (home.path / FILE_NAME).write_text(new_token())
        with GateProcess(home, log=directory / "log") as process:
            process.wait()
            yield process, home


@pytest.fixture(scope="module")
def kube(gate: tuple[GateProcess, Home], tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubeApiServer]:
    """An API server that was given the two files."""
    if missing := missing_tools():
        pytest.skip(f"LEFT OUT: no {', '.join(missing)} on this machine (script/tools/build, apt install etcd-server)")
    process, home = gate
    into = tmp_path_factory.mktemp("files")
    words = ["--home", str(home.path), "--url", process.url, "--into", str(into), "--there", str(into)]
    assert main(["api-server-files", *words]) == 0
    assert (into / "goldgate-webhook.kubeconfig").stat().st_mode & 0o777 == 0o600
    option = f"--admission-control-config-file={into}/goldgate-admission.yaml"
    with KubeApiServer(tmp_path_factory.mktemp("kube"), options=[option]) as server:
        server.kubectl("create", "namespace", "web", check=True)
        yield server


@pytest.fixture
def applied(kube, gate, capsys):
    """``applied(*options)`` puts the rendered webhook before the API server until the test ends."""

    def act(*options: str) -> str:
        capsys.readouterr()
        assert main(["webhook-manifest", "--home", str(gate[1].path), "--url", gate[0].url, *options]) == 0
        manifest = capsys.readouterr().out
        kube.kubectl("apply", "-f", "-", stdin=manifest, check=True)
        wait_until_in_force(kube)
        return manifest

    yield act
    kube.kubectl("delete", "validatingwebhookconfiguration", NAME)


def refusal(kube: KubeApiServer, image: str) -> str:
    status, answer = create(kube, pod("asked", image), "?dryRun=All")
    return "" if status == 201 else str(answer["message"])


def test_in_the_address_it_works_with_no_configuration_of_the_api_server(kube, gate, applied):
    """The header is sent, too, since this server has it; so the address must be what is looked at."""
    token = (gate[1].path / FILE_NAME).read_text()
    assert f"/v1/admit/{token}" in applied()
    assert refusal(kube, APP_REFERENCE) == ""
    assert "denied the request" in refusal(kube, UNKNOWN)


def test_in_a_header_the_address_holds_nothing(kube, gate, applied):
    token = (gate[1].path / FILE_NAME).read_text()
    assert token not in applied("--by-header")
    assert refusal(kube, APP_REFERENCE) == ""
    assert "denied the request" in refusal(kube, UNKNOWN)


def test_another_token_admits_nothing(kube, gate, applied):
    applied()
    authority = (gate[1].tls_path / "ca.pem").read_text()
    forged = render(url=gate[0].url, ca_bundle=authority, token=new_token())
    kube.kubectl("apply", "-f", "-", stdin=forged, check=True)
    end = time.monotonic() + 60
    while "failed calling webhook" not in (said := refusal(kube, APP_REFERENCE)):
        assert time.monotonic() < end, said
        time.sleep(0.1)
