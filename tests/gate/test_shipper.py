"""Shipping: everything, once, later; and never lost on the way."""

import json

import pytest

from gate.shipper import BATCH, PortalUnavailable, Shipper
from tests.gate.support import PortalServer, Repository, make_home


@pytest.fixture
def portal(tmp_path):
    with PortalServer(tmp_path) as found:
        yield found


@pytest.fixture
def home(tmp_path, portal):
    return make_home(tmp_path / "gate", Repository(tmp_path / "published"), portal_url=portal.url)


@pytest.fixture
def shipper(home):
    return Shipper(home, lambda: {"spool_depth": 0})


def segment(home, name, ids):
    path = home.spool_path / f"{name}.jsonl"
    path.write_bytes(b"".join(json.dumps({"id": item}).encode() + b"\n" for item in ids))
    return path


class TestShip:
    def test_every_decision_arrives_and_the_segments_go(self, home, portal, shipper):
        segment(home, "a-1", ["1", "2"])
        segment(home, "b-1", ["3"])
        assert shipper.ship() == 3
        assert set(portal.decisions) == {"1", "2", "3"}
        assert not list(home.spool_path.iterdir())

    def test_large_segments_go_in_batches(self, home, portal, shipper):
        ids = [str(number) for number in range(BATCH * 2 + 1)]
        segment(home, "a-1", ids)
        assert shipper.ship() == len(ids)
        assert portal.posts == 3

    def test_sending_again_after_a_crash_counts_each_once(self, home, portal, shipper):
        path = segment(home, "a-1", ["1", "2"])
        body = path.read_bytes()
        shipper.ship()
        path.write_bytes(body)
        shipper.ship()
        assert len(portal.decisions) == 2
        assert portal.posts == 2


class TestFailure:
    @pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503, 302])
    def test_what_the_portal_does_not_take_stays(self, home, portal, shipper, status):
        path = segment(home, "a-1", ["1", "2"])
        portal.answer_decisions = lambda decisions: (status, {})
        with pytest.raises(PortalUnavailable):
            shipper.ship()
        assert path.exists()
        portal.answer_decisions = None
        assert shipper.ship() == 2

    @pytest.mark.parametrize("answer", [{}, [], {"accepted": "1"}, {"accepted": [1]}, None])
    def test_an_answer_that_cannot_be_read_is_no_acceptance(self, home, portal, shipper, answer):
        path = segment(home, "a-1", ["1"])
        portal.answer_decisions = lambda decisions: (200, answer)
        with pytest.raises(PortalUnavailable):
            shipper.ship()
        assert path.exists()

    def test_only_what_was_not_accepted_is_sent_again(self, home, portal, shipper):
        path = segment(home, "a-1", ["1", "2", "3"])
        portal.answer_decisions = lambda decisions: (200, {"accepted": ["1", "3"]})
        with pytest.raises(PortalUnavailable):
            shipper.ship()
        assert path.read_bytes() == b'{"id": "2"}\n'

    def test_one_that_is_refused_for_good_holds_back_no_other(self, home, portal, shipper):
        segment(home, "a-1", ["1", "bad", "3"])

        def answer(decisions):
            ids = [item["id"] for item in decisions]
            if "bad" in ids:
                return 400, {}
            portal.decisions.update((item["id"], item) for item in decisions)
            return 200, {"accepted": ids}

        portal.answer_decisions = answer
        assert shipper.ship() == 2
        assert set(portal.decisions) == {"1", "3"}
        assert (home.spool_path / "refused" / "a-1.jsonl").read_bytes() == b'{"id": "bad"}\n'
        assert not list(home.spool_path.glob("*.jsonl"))

    def test_a_line_that_is_no_decision_is_set_aside(self, home, portal, shipper):
        path = segment(home, "a-1", ["1"])
        path.write_bytes(path.read_bytes() + b"garbage\n")
        assert shipper.ship() == 1
        assert (home.spool_path / "refused" / "a-1.jsonl").read_bytes() == b"garbage\n"

    def test_a_portal_that_is_gone_is_unavailable(self, tmp_path):
        home = make_home(tmp_path / "gate", Repository(tmp_path / "p"))
        segment(home, "a-1", ["1"])
        with pytest.raises(PortalUnavailable):
            Shipper(home, dict).ship()
        with pytest.raises(PortalUnavailable):
            Shipper(home, dict).beat()


def test_the_heartbeat_says_how_the_gate_is(portal, shipper):
    shipper.beat()
    assert portal.heartbeats == [{"spool_depth": 0}]
