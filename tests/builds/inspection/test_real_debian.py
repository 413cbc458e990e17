"""The real 99-package Debian image: every name that tar lists, and what the rules say of a sound system."""

import subprocess
from pathlib import Path

import pytest

from bench.builds.inspection import layers_of
from builds.adapters.layer_reader.parent import LayerBlob, read_layers
from builds.domain.configuration import RunConfiguration
from builds.domain.image_rules import Examination
from builds.domain.image_rules.checking import Surroundings
from builds.domain.layer_files import FileEntry
from tests.integration.world import debian_images

pytestmark = pytest.mark.integration
SETUID = "chage chfn chsh expiry gpasswd mount newgrp passwd su umount"


@pytest.fixture(scope="module")
def layers() -> list[LayerBlob]:
    return layers_of(debian_images()["old"])


@pytest.fixture(scope="module")
def files(layers, tmp_path_factory) -> list[FileEntry]:
    with read_layers(layers, tmp_path_factory.mktemp("job")) as found:
        assert found.sights() == []
        return list(found.files())


class TestRealDebian:
    def test_every_name_that_tar_lists(self, layers, files):
        (layer,) = layers
        listed = subprocess.run(["tar", "-tzf", str(layer.path)], check=True, capture_output=True, text=True).stdout
        names = {str(Path(name.removeprefix("./"))) for name in listed.splitlines()} - {"."}
        assert {file.path for file in files if file.path} == names

    def test_the_rules_find_nothing_but_what_the_system_brings(self, files):
        examination = Examination(Surroundings(RunConfiguration(user="65532")))
        for file in files:
            examination.see(file)
        found = examination.checks([])
        assert {one.severity.value for one in found} == {"note"}
        setuid = {one.path.rpartition("/")[2] for one in found if one.rule == "GG2001"}
        assert setuid == {*SETUID.split(), "unix_chkpwd"}
