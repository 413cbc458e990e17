import pytest

from builds.domain.secret_names import is_text_place, name_of_secret


class TestNames:
    @pytest.mark.parametrize(
        "path",
        [
            "root/.ssh/id_rsa", "home/x/.ssh/id_ed25519", "id_ecdsa_sk", ".npmrc", "app/.npmrc", "root/.pypirc",
            "root/.netrc", "root/.pgpass", "root/.my.cnf", "root/.s3cfg", "root/.dockercfg", "root/.docker/config.json",
            "run/containers/auth.json", "root/.aws/credentials", "root/.azure/accessTokens.json",
            "root/.config/gcloud/credentials.db", "root/.git-credentials", ".env", "app/.env", "app/.env.production",
            "root/.kube/config", "root/.bash_history", "root/.vault-token", "root/.gnupg/private-keys-v1.d/A.key",
        ],
    )  # fmt: skip
    def test_say_that_there_is_a_secret(self, path):
        assert name_of_secret(path)

    @pytest.mark.parametrize(
        "path",
        ["root/.ssh/id_rsa.pub", "etc/passwd", "app/.env.example", "app/env", "usr/share/doc/.gitignore", "x/grid_rsa1",
         "root/.docker/config.json.d/x", "etc/npmrc", "usr/lib/auth.json"],
    )  # fmt: skip
    def test_say_nothing(self, path):
        assert name_of_secret(path) == ""


class TestTexts:
    @pytest.mark.parametrize(
        ("path", "size", "is_read"),
        [
            ("etc/app.conf", 10, True),
            ("etc/app.conf", 0, False),
            ("etc/app.conf", 256 * 1024 + 1, False),
            ("usr/share/x", 10, False),
            ("usr/local/share/x", 10, True),
            ("usr/share/key.pem", 10, True),
            ("settings.ini", 10, True),
        ],
    )
    def test_are_read_in_places_of_configuration(self, path, size, is_read):
        assert is_text_place(path, size) is is_read
