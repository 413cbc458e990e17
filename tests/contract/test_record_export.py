"""What audit/ exports is what the client's verifier reads: the two share a document, and no code."""

import io
from datetime import timedelta
from pathlib import Path

import pytest
from goldgate_cli.record import Outcome, Verifier, read_checkpoint

from audit.actor import Actor
from audit.adapters.key_file import create_key
from audit.adapters.sink import DirectorySink
from audit.services import deliver_checkpoints, export, seal_pending, sign_checkpoint
from tests.factories.audit import RecordFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def exported(now, tmp_path) -> tuple[list[bytes], bytes, Path]:
    """An export of nine records under three seals; the public key; the last checkpoint in the sink."""
    signer = create_key(tmp_path / "audit.pem")
    (tmp_path / "sink").mkdir()
    for minute, count in enumerate([4, 1, 4]):
        for _ in range(count):
            RecordFactory(data={"text": "ä\u2028\U0001f600", "deep": [{"b": None, "a": -1}], "on": True})
        seal_pending(now + timedelta(minutes=minute))
        sign_checkpoint(signer=signer, now=now + timedelta(minutes=minute))
    deliver_checkpoints(sink=DirectorySink(tmp_path / "sink"), now=now)
    lines = list(export(actor=Actor.system("t"), now=now))
    return lines, signer.public_key, tmp_path / "sink" / "000000000003.json"


def verify(lines: list[bytes], key: bytes, checkpoint: Path) -> Outcome:
    outside, _ = read_checkpoint(checkpoint.read_bytes(), keys=[key])
    return Verifier(keys=[key], outside=outside).verify(io.BytesIO(b"".join(lines)))


def places(outcome: Outcome) -> str:
    return "\n".join(f"{finding.where}: {finding.what}" for finding in outcome.findings)


def record_line(lines: list[bytes], position: int) -> int:
    return next(number for number, line in enumerate(lines) if f'"position":{position},'.encode() in line)


class TestExportAndVerifier:
    def test_a_whole_one_is_whole(self, exported):
        outcome = verify(*exported)
        assert places(outcome) == ""
        assert (outcome.records, outcome.seals, outcome.checkpoints, outcome.unsealed) == (9, 3, 3, 1)

    def test_a_flipped_byte_is_located(self, exported):
        lines, key, checkpoint = exported
        number = record_line(lines, 6)
        lines[number] = lines[number].replace(b'"on":true', b'"on":null')
        assert "6" in places(verify(lines, key, checkpoint))

    def test_a_missing_row_is_located(self, exported):
        lines, key, checkpoint = exported
        del lines[record_line(lines, 6)]
        assert "6" in places(verify(lines, key, checkpoint))

    def test_a_cut_tail_is_located(self, exported):
        lines, key, checkpoint = exported
        ends = [number for number, line in enumerate(lines) if b'"type":"checkpoint"' in line]
        found = places(verify(lines[: ends[1] + 1], key, checkpoint))
        assert "6" in found
        assert "9" in found

    def test_a_strangers_key_is_told(self, exported, tmp_path):
        lines, _, _ = exported
        stranger = create_key(tmp_path / "other.pem").public_key
        assert not Verifier(keys=[stranger]).verify(io.BytesIO(b"".join(lines))).is_whole
