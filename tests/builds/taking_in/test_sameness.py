"""What counts as the same content."""

import copy

import pytest

from builds.domain.sameness import same_content

CONFIG = {
    "architecture": "amd64",
    "os": "linux",
    "created": "2026-11-24T12:00:00Z",
    "author": "ann",
    "config": {"User": "65532", "Env": ["PATH=/bin"], "Labels": {"a": "1"}, "Cmd": None},
    "rootfs": {"type": "layers", "diff_ids": ["sha256:1", "sha256:2"]},
    "history": [{"created_by": "RUN x"}],
}


def changed(**changes: object) -> dict:
    found = copy.deepcopy(CONFIG)
    for path, value in changes.items():
        target = found
        *above, last = path.split("__")
        for step in above:
            target = target[step]
        target[last] = value
    return found


class TestSameContent:
    @pytest.mark.parametrize(
        "changes",
        [
            pytest.param({"created": "2027-01-01T00:00:00Z"}, id="time"),
            pytest.param({"author": ""}, id="author"),
            pytest.param({"history": []}, id="history"),
            pytest.param({"config__Labels": {"b": "2"}}, id="labels"),
            pytest.param({"config__Cmd": []}, id="nothing-written-otherwise"),
        ],
    )
    def test_what_is_told_alone_is_no_difference(self, changes: dict) -> None:
        assert same_content({"": CONFIG}, {"": changed(**changes)})

    @pytest.mark.parametrize(
        "changes",
        [
            pytest.param({"rootfs__diff_ids": ["sha256:1", "sha256:3"]}, id="another-layer"),
            pytest.param({"rootfs__diff_ids": ["sha256:2", "sha256:1"]}, id="another-order"),
            pytest.param({"config__User": "0"}, id="user"),
            pytest.param({"config__Env": ["PATH=/usr/bin"]}, id="environment"),
            pytest.param({"config__Entrypoint": ["/bin/sh"]}, id="entrypoint"),
            pytest.param({"config__ExposedPorts": {"80/tcp": {}}}, id="ports"),
            pytest.param({"config__SomethingNew": "x"}, id="what-nobody-knows-yet"),
            pytest.param({"architecture": "arm64"}, id="architecture"),
        ],
    )
    def test_what_runs_otherwise_is_another(self, changes: dict) -> None:
        assert not same_content({"": CONFIG}, {"": changed(**changes)})

    def test_a_platform_more_is_another(self) -> None:
        one = {"linux/amd64": CONFIG}

        assert not same_content(one, {**one, "linux/arm64": CONFIG})

    def test_nothing_is_not_the_same_as_nothing(self) -> None:
        assert not same_content({}, {})
