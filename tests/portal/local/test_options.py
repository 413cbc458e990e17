import socket

import pytest

from portal.local import postgres
from portal.local.errors import CannotStart
from portal.local.home import Home, make_secret
from portal.local.options import read_options, require_free_ports


class TestReadOptions:
    def test_the_demo_has_a_home_of_its_own(self):
        assert read_options([], {}).home.root.name == "var"
        assert read_options(["--demo"], {}).home.root.parts[-2:] == ("var", "demo")

    def test_the_demo_never_touches_a_named_database(self):
        with pytest.raises(CannotStart, match="unset DATABASE_URL"):
            read_options(["--demo"], {"DATABASE_URL": "postgresql:///real"})

    def test_the_demo_refuses_a_real_home(self, tmp_path):
        (tmp_path / "postgres").mkdir()
        with pytest.raises(CannotStart, match="home of a real Goldgate"):
            read_options(["--demo"], {"GOLDGATE_HOME": str(tmp_path)})

    def test_the_real_thing_refuses_a_demo_home(self, tmp_path):
        (tmp_path / "DEMO").touch()
        with pytest.raises(CannotStart, match="home of a demo"):
            read_options([], {"GOLDGATE_HOME": str(tmp_path)})

    @pytest.mark.parametrize("port", ["0", "65536", "http", "-1", ""])
    def test_a_wrong_port_names_its_variable(self, port):
        with pytest.raises(CannotStart, match="GOLDGATE_PORT is"):
            read_options([], {"GOLDGATE_PORT": port})

    def test_an_unknown_option_is_named(self):
        with pytest.raises(CannotStart, match="--dmeo is not an option"):
            read_options(["--dmeo"], {})

    def test_every_variable_moves_what_it_names(self, tmp_path):
        options = read_options(
            [],
            {
                "GOLDGATE_HOME": str(tmp_path),
                "GOLDGATE_BIND": "127.0.0.2",
                "GOLDGATE_PORT": "8001",
                "GOLDGATE_GATE_PORT": "8444",
                "GOLDGATE_URL": "https://goldgate.example/",
            },
        )
        assert (options.home.root, options.bind, options.port) == (tmp_path, "127.0.0.2", 8001)
        assert (options.url, options.gate_url) == ("https://goldgate.example", "https://127.0.0.2:8444")


class TestRequireFreePorts:
    def test_a_taken_port_names_the_variable_that_moves_it(self, tmp_path):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            options = read_options(
                [], {"GOLDGATE_HOME": str(tmp_path), "GOLDGATE_GATE_PORT": str(port), "GOLDGATE_PORT": "1"}
            )
            with pytest.raises(CannotStart, match=rf"Port {port} .* Set GOLDGATE_GATE_PORT"):
                require_free_ports(read_options([], {"GOLDGATE_GATE_PORT": str(port), "GOLDGATE_PORT": str(_free())}))
        assert options.gate_port == port


def _free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class TestHome:
    def test_keys_are_made_once_and_for_the_owner_alone(self, tmp_path):
        home = Home(tmp_path / "home")
        home.prepare()
        first = home.session_key.read_text()
        home.prepare()
        assert home.session_key.read_text() == first
        assert home.session_key.stat().st_mode & 0o777 == 0o600
        assert home.credentials_key.read_text() != first

    def test_a_half_made_key_stops_the_start(self, tmp_path):
        (tmp_path / "key").touch()
        with pytest.raises(CannotStart, match="is empty: an earlier start was cut off"):
            make_secret(tmp_path / "key", "secret")

    def test_a_place_that_cannot_be_written_is_named(self, tmp_path):
        (tmp_path / "file").touch()
        with pytest.raises(CannotStart, match="Set GOLDGATE_HOME"):
            Home(tmp_path / "file" / "below").prepare()


class TestPostgresDirectory:
    def test_a_half_made_one_is_named_with_the_cure(self, tmp_path):
        (tmp_path / "postgres").mkdir()
        (tmp_path / "postgres" / "base").mkdir()
        with pytest.raises(CannotStart, match="is half made: an earlier start was cut off"):
            postgres.prepare(tmp_path / "postgres")

    def test_one_of_another_version_is_not_touched(self, tmp_path):
        (tmp_path / "postgres").mkdir()
        (tmp_path / "postgres" / "PG_VERSION").write_text("15\n")
        with pytest.raises(CannotStart, match="holds data of PostgreSQL 15"):
            postgres.prepare(tmp_path / "postgres")

    def test_a_path_too_long_for_a_socket_is_refused_before_anything_is_made(self, tmp_path):
        deep = tmp_path / ("x" * 80) / "postgres"
        with pytest.raises(CannotStart, match="Set GOLDGATE_HOME to a shorter one"):
            postgres.prepare(deep)
        assert not deep.exists()
