"""``goldgate audit verify`` from the command line: no portal, no account, a status and a place."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.client.exports import FOREIGN, KEY, Export, canonical, end_of, index_of, lines_of


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A whole export of nine records, the sink with two checkpoints, the public key as PEM."""
    export = Export(4, 1, 4)
    (tmp_path / "record.ndjson").write_bytes(b"".join(lines_of(export.rows())))
    (tmp_path / "sink").mkdir()
    for number, known in ((1, Export(4)), (3, export)):
        (tmp_path / "sink" / f"{number:012d}.json").write_bytes(canonical(known.from_the_sink()) + b"\n")
    pem = KEY.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "key.pem").write_bytes(pem)
    return tmp_path


@pytest.fixture
def verify(run, files):
    def act(*more: str, name: str = "record.ndjson", **others):
        return run("audit", "verify", str(files / name) if name != "-" else "-", *more, **others)

    return act


class TestVerify:
    def test_whole(self, verify, files):
        ran = verify("--key", KEY.public.hex(), "--checkpoint", str(files / "sink"))
        head = Export(4, 1, 4).from_the_sink()["checkpoint"]["head"]
        assert ran.status == 0
        assert ran.out == (
            f"The record is whole: 9 sealed records in 3 seals, 3 checkpoints, 0 not sealed yet.\nhead {head}\n"
        )
        assert ran.err == ""

    def test_a_key_as_pem_and_one_checkpoint(self, verify, files):
        newest = files / "sink" / "000000000003.json"
        assert verify("--key", str(files / "key.pem"), "--checkpoint", str(newest)).status == 0

    def test_without_a_key_the_checkpoints_own_is_a_claim(self, verify, files):
        ran = verify("--checkpoint", str(files / "sink"))
        assert (ran.status, f"names the key {KEY.public.hex()}" in ran.err) == (0, True)

    def test_alone_it_says_what_it_cannot_see(self, verify):
        ran = verify()
        assert ran.status == 0
        assert "No checkpoint from outside" in ran.err
        assert "No public key" in ran.err

    def test_standard_input(self, verify, files):
        body = (files / "record.ndjson").read_bytes()
        assert verify("--key", KEY.public.hex(), name="-", stdin=body).status == 0

    def test_a_changed_record_is_named(self, verify, files):
        text = (files / "record.ndjson").read_bytes()
        rows = [json.loads(line) for line in text.splitlines()]
        rows[index_of(rows, "record", 6)]["record"]["actor"]["name"] = "Sita"
        (files / "record.ndjson").write_bytes(b"".join(lines_of(rows)))
        ran = verify("--key", KEY.public.hex())
        assert ran.status == 1
        assert ran.out.startswith("✗ position 6: the record 18 was changed after it was sealed\n")
        assert "The record does NOT verify" in ran.out

    def test_a_cut_tail_is_named(self, verify, files):
        rows = Export(4, 1).rows()
        rows[-1] = end_of(rows[1:-1])
        (files / "cut.ndjson").write_bytes(b"".join(lines_of(rows)))
        assert verify("--key", KEY.public.hex(), name="cut.ndjson").status == 0
        ran = verify("--key", KEY.public.hex(), "--checkpoint", str(files / "sink"), name="cut.ndjson")
        assert (ran.status, "positions 6 to 9 are missing" in ran.out) == (1, True)

    def test_written_anew_with_the_key_is_seen_by_the_older_checkpoints(self, verify, files):
        """Who has the database and the key may also add a newer checkpoint; the older ones stay in the sink."""
        forged = Export(4, 1, 4, 2)
        forged.batches[0][0]["verb"] = "role.ended"
        (files / "record.ndjson").write_bytes(b"".join(lines_of(forged.rows())))
        (files / "sink" / "000000000004.json").write_bytes(canonical(forged.from_the_sink()))
        newest = files / "sink" / "000000000004.json"
        assert verify("--key", KEY.public.hex(), "--checkpoint", str(newest)).status == 0
        ran = verify("--key", KEY.public.hex(), "--checkpoint", str(files / "sink"))
        assert ran.status == 1
        assert ran.out.startswith("✗ seal 1: the checkpoint from outside names another head")

    def test_a_stranger_signed(self, verify, files):
        (files / "record.ndjson").write_bytes(b"".join(lines_of(Export(4, key=FOREIGN).rows())))
        assert verify("--key", KEY.public.hex()).status == 1

    def test_json(self, verify, files):
        ran = verify("-o", "json", "--key", KEY.public.hex(), "--checkpoint", str(files / "sink"))
        found = json.loads(ran.out)
        assert found.pop("head")
        assert found == {
            "records": 9, "seals": 3, "checkpoints": 3, "unsealed": 0, "findings": [], "cautions": [], "is_whole": True,
        }  # fmt: skip

    def test_json_of_a_damaged_one(self, verify, files):
        lines = lines_of(Export(4).rows())
        (files / "cut.ndjson").write_bytes(b"".join(lines[:3]))
        found = json.loads(verify("-o", "json", name="cut.ndjson").out)
        assert found["is_whole"] is False
        assert found["findings"][-1]["where"] == "line 3"


class TestWhatIsGiven:
    @pytest.mark.parametrize(
        ("option", "name", "body"),
        [
            pytest.param("--checkpoint", "empty", None, id="a-sink-without-checkpoints"),
            pytest.param("--checkpoint", "c.json", b"{}", id="no-checkpoint"),
            pytest.param("--checkpoint", "c.json", b"[" * 100_000, id="deep"),
            pytest.param("--key", "k.pem", b"-----BEGIN PUBLIC KEY-----\nAA\n-----END PUBLIC KEY-----\n", id="no-key"),
            pytest.param("--key", "k.pem", b"", id="empty-key"),
        ],
    )
    def test_what_cannot_be_used_is_status_2_and_named(self, verify, files, option, name, body):
        if body is None:
            (files / name).mkdir()
        else:
            (files / name).write_bytes(body)
        ran = verify(option, str(files / name))
        assert (ran.status, ran.out) == (2, "")
        assert name in ran.err

    def test_a_checkpoint_of_a_key_that_was_not_named(self, verify, files):
        ran = verify("--key", FOREIGN.public.hex(), "--checkpoint", str(files / "sink"))
        assert (ran.status, "a key that you did not name" in ran.err) == (2, True)
