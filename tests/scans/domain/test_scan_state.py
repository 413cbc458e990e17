"""Only one state can be clean, and everything that is missing has its cause."""

import gzip
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from scans.domain.scan_state import Cause, ScanFacts, ScanState, judge
from scans.domain.support import Support, SupportDates, parse_support_data, support_on
from tests.factories.scans import ENDS

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
AGE = timedelta(hours=48)
BOOKWORM = SupportDates("debian", "12", date(2026, 7, 11), date(2028, 6, 30))
GOOD = ScanFacts(
    os_id="debian",
    os_version="12",
    component_count=99,
    has_package_database=True,
    is_order_known=True,
    support=BOOKWORM,
    feed_snapshot_at=NOW - timedelta(hours=1),
    feed_name="debian",
)


class TestJudge:
    def test_all_facts_together_are_complete_and_extended_support_is_said(self):
        judged = judge(GOOD, at=NOW, max_feed_age=AGE)
        assert (judged.state, judged.cause) == (ScanState.COMPLETE, Cause.NONE)
        assert judged.support is Support.EXTENDED
        assert "extended support until 2028-06-30" in judged.sentence

    @pytest.mark.parametrize(("count", "words"), [(1, "1 component of"), (99, "99 components of")])
    def test_one_component_is_not_several(self, count, words):
        assert judge(replace(GOOD, component_count=count), at=NOW, max_feed_age=AGE).sentence.startswith(words)

    @pytest.mark.parametrize(
        ("changes", "state", "cause"),
        [
            ({"failure": Cause.SCANNER_TIMED_OUT}, ScanState.FAILED, Cause.SCANNER_TIMED_OUT),
            ({"failure": Cause.NOT_INVENTORIED}, ScanState.FAILED, Cause.NOT_INVENTORIED),
            ({"has_package_database": False}, ScanState.FAILED, Cause.PACKAGE_DATABASE_REMOVED),
            ({"component_count": 0}, ScanState.FAILED, Cause.NO_COMPONENTS),
            ({"is_database_empty": True}, ScanState.FAILED, Cause.NO_COMPONENTS),
            ({"os_id": "", "component_count": 0}, ScanState.UNSUPPORTED, Cause.UNKNOWN_DISTRIBUTION),
            ({"os_version": ""}, ScanState.UNSUPPORTED, Cause.UNKNOWN_RELEASE),
            ({"is_order_known": False}, ScanState.UNSUPPORTED, Cause.UNSUPPORTED_DISTRIBUTION),
            ({"support": None}, ScanState.UNSUPPORTED, Cause.SUPPORT_UNKNOWN),
            ({"support": replace(BOOKWORM, eoes=date(2026, 8, 31))}, ScanState.UNSUPPORTED, Cause.PAST_END_OF_SUPPORT),
            ({"feed_snapshot_at": None}, ScanState.STALE, Cause.NO_FEED),
            ({"feed_snapshot_at": NOW - timedelta(hours=48, seconds=1)}, ScanState.STALE, Cause.STALE_FEED),
        ],
        ids=lambda value: str(value) if isinstance(value, Cause) else "",
    )
    def test_what_is_missing_is_never_clean(self, changes, state, cause):
        judged = judge(replace(GOOD, **changes), at=NOW, max_feed_age=AGE)
        assert (judged.state, judged.cause) == (state, cause)
        assert judged.sentence
        assert judged.cure

    def test_time_alone_makes_it_stale(self):
        assert judge(GOOD, at=NOW + timedelta(hours=47), max_feed_age=AGE).is_complete
        assert not judge(GOOD, at=NOW + timedelta(hours=47, seconds=1), max_feed_age=AGE).is_complete
        assert judge(GOOD, at=NOW + timedelta(days=300), max_feed_age=None).is_complete

    def test_a_frozen_feed_is_said(self):
        facts = replace(GOOD, feed_snapshot_at=NOW - timedelta(days=30), is_feed_frozen=True)
        assert "frozen" in judge(facts, at=NOW, max_feed_age=AGE).sentence


class TestSupport:
    @pytest.mark.parametrize(
        ("cycle", "expected"),
        [("11", Support.ENDED), ("12", Support.EXTENDED), ("13", Support.SUPPORTED)],
    )
    def test_debian_by_the_real_data(self, cycle, expected):
        rows = parse_support_data(gzip.decompress(ENDS.read_bytes()))
        (dates,) = [row for row in rows if (row.product, row.cycle) == ("debian", cycle)]
        assert support_on(dates, NOW) is expected

    def test_the_last_day_is_supported(self):
        dates = SupportDates("x", "1", date(2026, 11, 24), None)
        assert support_on(dates, datetime(2026, 11, 24, 23, 59, tzinfo=UTC)) is Support.SUPPORTED
        assert support_on(dates, datetime(2026, 11, 25, 0, 0, tzinfo=UTC)) is Support.ENDED

    def test_ended_without_a_day_has_ended(self):
        (dates,) = parse_support_data(b'{"x": {"releases": [{"releaseCycle": "1", "eol": true}]}}')
        assert support_on(dates, NOW) is Support.ENDED
