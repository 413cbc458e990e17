"""The compose file is parsed and held to what it promises; no container engine runs here."""

from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).resolve().parents[2]
SERVICES = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())["services"]
OURS = ["web", "worker", "scheduler", "signer", "publisher", "gate"]


@pytest.mark.parametrize("name", OURS)
class TestOurServices:
    def test_runs_without_privileges_on_a_read_only_root(self, name):
        service = SERVICES[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert "no-new-privileges:true" in service["security_opt"]
        assert "user" not in service, "the image's own user 65532 must hold"

    def test_depends_on_nothing_that_is_not_there(self, name):
        assert set(SERVICES[name].get("depends_on", {})) <= set(SERVICES)


class TestTheBuilder:
    BUILDER = SERVICES["builder"]

    def test_has_no_secret_and_no_key(self):
        assert self.BUILDER.get("secrets", []) == []
        assert not [name for name in self.BUILDER["environment"] if name.endswith(("_KEY", "_KEY_FILE", "_KEYS_DIR"))]
        assert self.BUILDER["volumes"] == ["home:/var/lib/goldgate"]

    def test_is_root_with_what_it_takes_to_confine_builds_and_no_more(self):
        assert self.BUILDER["read_only"] is True
        assert self.BUILDER["cap_drop"] == ["ALL"]
        assert self.BUILDER["cap_add"] == ["CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETUID"]
        assert "no-new-privileges:true" in self.BUILDER["security_opt"]

    def test_alone_works_on_the_queue_of_builds(self):
        queues = {
            name: service["command"][service["command"].index("-Q") + 1]
            for name, service in SERVICES.items()
            if "-Q" in service.get("command", [])
        }
        assert queues == {"worker": "default", "signer": "signing", "builder": "builds"}

    def test_is_an_image_of_its_own(self):
        assert self.BUILDER["build"]["target"] == "builder"
        assert " AS builder" in (PROJECT / "Dockerfile").read_text()


class TestSecrets:
    def test_each_process_holds_its_own_and_no_other(self):
        held = {name: set(SERVICES[name].get("secrets", [])) for name in OURS}
        assert held == {
            "web": {"session", "credentials"},
            "worker": {"credentials"},
            "scheduler": {"audit"},
            "signer": {"signing"},
            "publisher": set(),
            "gate": set(),
        }

    def test_only_the_publisher_sees_the_snapshot_keys(self):
        sees = [
            name for name in OURS if any("secrets/snapshot" in volume for volume in SERVICES[name].get("volumes", []))
        ]
        assert sees == ["publisher"]

    def test_the_gate_has_neither_database_nor_redis(self):
        assert "environment" not in SERVICES["gate"]
        assert SERVICES["gate"]["volumes"] == ["gate:/var/lib/goldgate-gate"]

    def test_only_setup_may_hand_files_over(self):
        given = {name: service["cap_add"] for name, service in SERVICES.items() if "cap_add" in service}
        given.pop("builder")  # see above
        assert given == {"setup": ["CHOWN", "DAC_OVERRIDE", "FOWNER"]}


class TestVolumes:
    def test_every_place_that_is_written_is_made_in_the_image_for_its_user(self):
        """A named volume takes its first owner from the image's directory; without one it would be root's."""
        dockerfile = (PROJECT / "Dockerfile").read_text()
        made = next(line for line in dockerfile.splitlines() if "install -d -o 65532" in line).split()
        written = {
            volume.split(":")[1] for name in OURS for volume in SERVICES[name]["volumes"] if not volume.startswith("./")
        }
        assert written <= set(made)


class TestDockerfile:
    def test_ends_as_a_numeric_user_without_root(self):
        lines = (PROJECT / "Dockerfile").read_text().splitlines()
        users = [line.split()[1] for line in lines if line.startswith("USER ")]
        assert users[-1] == "65532:65532"
