"""The same, valid metadata for ever: what has expired vouches for nothing, and time never goes back."""

from datetime import timedelta

import pytest

from gate.clock import Clock
from gate.engine import decide
from gate.holder import Holder
from gate.tuf import UntrustedSnapshot
from gate.verdict import ImageUse
from tests.factories.gate import APP_REFERENCE


class TestFreeze:
    def test_a_publication_that_is_over_is_not_taken(self, scene):
        scene.repository.timestamp_life = timedelta(seconds=-1)
        scene.repository.publish()
        scene.refuses(UntrustedSnapshot)

    @pytest.mark.parametrize("life", [timedelta(seconds=-1), timedelta(0)])
    def test_nor_one_whose_snapshot_or_targets_are_over(self, scene, life):
        scene.repository.publish()
        scene.repository.sign(expires=life)
        scene.refuses(UntrustedSnapshot)

    def test_the_earliest_of_the_four_ends_it(self, scene):
        holder = Holder(scene.home, scene.clock)
        holder.refresh()
        assert holder.snapshot.expires_at == int((scene.repository.now + timedelta(minutes=15)).timestamp())

    def test_a_frozen_gate_answers_until_the_expiry_then_denies(self, scene):
        holder = Holder(scene.home, scene.clock)
        holder.refresh()
        end = holder.snapshot.expires_at
        use = ImageUse(reference=APP_REFERENCE, run_as_user=1)
        assert "expired" not in decide([use], snapshot=holder.snapshot, at=end - 1).cause
        assert "expired" in decide([use], snapshot=holder.snapshot, at=end).cause

    def test_a_new_timestamp_alone_prolongs_it(self, scene):
        holder = Holder(scene.home, scene.clock)
        holder.refresh()
        before = holder.snapshot
        scene.repository.timestamp_life = timedelta(hours=1)
        scene.repository.sign_timestamp()
        scene.source.asked.clear()
        assert scene.fetcher.fetch()
        assert scene.source.asked == ["timestamp.json"]
        holder.refresh()
        assert holder.snapshot is before
        assert before.expires_at == int((scene.repository.now + timedelta(hours=1)).timestamp())

    def test_a_clock_set_back_brings_nothing_back(self, scene, monkeypatch):
        end = int((scene.repository.now + timedelta(minutes=20)).timestamp())
        monkeypatch.setattr("gate.clock.time.time", lambda: float(end))
        Clock(scene.home.time_floor_path).save()
        monkeypatch.setattr("gate.clock.time.time", lambda: float(end - 3600))
        clock = Clock(scene.home.time_floor_path)
        assert clock.now() == end
        assert clock.seconds_behind() == 3600
        holder = Holder(scene.home, clock)
        holder.refresh()
        assert "expired" in decide([ImageUse(reference=APP_REFERENCE)], snapshot=holder.snapshot, at=clock.now()).cause
