"""Public keys over HTTP: for everybody, and nothing but the public half."""

import pytest
from django.core.management import CommandError, call_command

from audit.actor import Actor
from signing import services
from signing.models import SigningKey

pytestmark = pytest.mark.django_db


class TestKeys:
    def test_anybody_reads_them(self, client, key_and_signer):
        key, _ = key_and_signer
        (row,) = client.get("/api/v1/signing-keys").json()["results"]
        assert row == {
            "key_id": key.key_id,
            "purpose": "certification",
            "public_pem": key.public_pem,
            "created_at": "2026-11-24T12:00:00Z",
            "retired_at": None,
        }
        answer = client.get(f"/api/v1/signing-keys/{key.key_id}.pem")
        assert answer.content.decode() == key.public_pem
        assert answer["Content-Type"] == "application/x-pem-file"
        assert b"PRIVATE" not in answer.content

    def test_an_unknown_key_is_missing(self, client):
        assert client.get(f"/api/v1/signing-keys/{'0' * 64}.pem").status_code == 404
        assert client.get("/api/v1/signing-keys/../../etc.pem").status_code in (403, 404)

    def test_nobody_writes_them(self, client):
        assert client.post("/api/v1/signing-keys", {}).status_code in (401, 403, 405)

    def test_a_retired_key_stays_listed(self, client, signer, now):
        services.retire_key(key_id=signer.key_id, actor=Actor.system("test"), now=now)
        assert client.get("/api/v1/signing-keys").json()["results"][0]["retired_at"]


class TestCommand:
    def test_it_makes_a_key_once_and_registers_it(self, tmp_path, capsys):
        path = tmp_path / "keys" / "signing.pem"
        call_command("signing_key", "make", file=str(path))
        assert path.stat().st_mode & 0o777 == 0o600
        out = capsys.readouterr()
        assert SigningKey.objects.get().public_pem in out.out
        assert "PRIVATE" not in out.out
        assert "unprotected" in out.err
        with pytest.raises(CommandError, match="never written over"):
            call_command("signing_key", "make", file=str(path))

    def test_rotation(self, tmp_path):
        call_command("signing_key", "make", file=str(tmp_path / "one.pem"))
        with pytest.raises(CommandError, match="in use already"):
            call_command("signing_key", "make", file=str(tmp_path / "two.pem"))
        call_command("signing_key", "retire", SigningKey.objects.get().key_id)
        call_command("signing_key", "register", file=str(tmp_path / "two.pem"))
        assert SigningKey.objects.filter(retired_at=None).count() == 1

    def test_without_a_file_it_asks_for_one(self):
        with pytest.raises(CommandError, match="--file"):
            call_command("signing_key", "make")
