import pytest

from audit.adapters.key_file import create_key
from audit.models import Checkpoint, Delivery, Seal
from audit.sealer import Sealer
from tests.factories.audit import RecordFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def places(settings, tmp_path):
    """A key and a sink, set."""
    settings.GOLDGATE_AUDIT_KEY_FILE = str(tmp_path / "audit.pem")
    settings.GOLDGATE_AUDIT_SINK = str(tmp_path / "sink")
    create_key(tmp_path / "audit.pem")
    return tmp_path


class TestTick:
    def test_seals_signs_and_delivers(self, now, places):
        RecordFactory()
        Sealer(clock=lambda: now).tick()
        assert (places / "sink" / "000000000001.json").exists()

    def test_without_a_key_it_seals_and_says_unprotected(self, now, settings, caplog):
        settings.GOLDGATE_AUDIT_KEY_FILE = ""
        RecordFactory()
        Sealer(clock=lambda: now).tick()
        assert Seal.objects.count() == 1
        assert not Checkpoint.objects.exists()
        assert "unprotected" in caplog.text

    def test_a_key_that_cannot_be_read_stops_no_sealing(self, now, places, caplog):
        (places / "audit.pem").unlink()
        RecordFactory()
        Sealer(clock=lambda: now).tick()
        assert Seal.objects.count() == 1
        assert "no checkpoint is signed" in caplog.text

    def test_a_sink_that_is_away_stops_no_signing(self, now, places, settings, caplog):
        (places / "file").write_text("")
        settings.GOLDGATE_AUDIT_SINK = str(places / "file" / "sink")
        RecordFactory()
        Sealer(clock=lambda: now).tick()
        assert Checkpoint.objects.count() == 1
        assert not Delivery.objects.exists()
        assert "wait for their sink" in caplog.text

    def test_another_history_in_the_sink_is_critical(self, now, places, caplog):
        (places / "sink").mkdir()
        (places / "sink" / "000000000001.json").write_bytes(b"other")
        RecordFactory()
        Sealer(clock=lambda: now).tick()
        assert [record.levelname for record in caplog.records if "the sink knows" in record.message] == ["CRITICAL"]

    def test_the_last_tick_leaves_nothing_unsigned(self, now, places):
        sealer = Sealer(clock=lambda: now)
        for is_last in (False, False, True):
            RecordFactory()
            sealer.tick(is_last=is_last)
        assert list(Checkpoint.objects.values_list("seal_id", flat=True)) == [1, 3]
