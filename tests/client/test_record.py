"""The verifier against exports that are built by hand from docs/reference/record.md."""

import io
import json
from typing import Any

import pytest
from goldgate_cli.record import Outcome, Verifier, merkle_root, read_checkpoint

from tests.client.exports import (
    FOREIGN,
    KEY,
    ZEROS,
    Export,
    canonical,
    end_of,
    index_of,
    leaf,
    lines_of,
    record,
    root,
    seal_hash,
)


def verify(lines: list[bytes], *, outside: dict[str, Any] | None = None, keys: tuple[bytes, ...] = ()) -> Outcome:
    return Verifier(keys=keys or (KEY.public,), outside=outside).verify(io.BytesIO(b"".join(lines)))


def places(outcome: Outcome) -> list[str]:
    return [finding.where for finding in outcome.findings]


def words(outcome: Outcome) -> str:
    return "\n".join(f"{finding.where}: {finding.what}" for finding in outcome.findings)


@pytest.fixture
def export() -> Export:
    """Nine records under three seals; each seal has its checkpoint."""
    return Export(4, 1, 4)


class TestHashes:
    @pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6, 7, 8, 9, 31, 33, 1000])
    def test_a_tree_of_any_size(self, count):
        assert verify(lines_of(Export(count).rows())).is_whole

    def test_the_tree_of_the_specification(self):
        """RFC 6962, 2.1.3: seven leaves."""
        leaves = [f"{number:02x}" * 32 for number in range(7)]
        assert merkle_root(leaves) == root(leaves)


class TestWhole:
    def test_all_of_it(self, export):
        outcome = verify(lines_of(export.rows()), outside=export.from_the_sink()["checkpoint"])
        assert words(outcome) == ""
        assert outcome.cautions == []
        counted = (outcome.records, outcome.seals, outcome.checkpoints, outcome.unsealed)
        assert counted == (9, 3, 3, 0)
        assert outcome.head == export.rows()[index_of(export.rows(), "seal", 3)]["hash"]

    def test_an_empty_record(self):
        outcome = verify(lines_of(Export().rows()))
        assert (words(outcome), outcome.head) == ("", ZEROS)

    def test_pending_records_are_no_finding(self, export):
        export.unsealed = [(record(10, at="2026-11-24T12:59:59.000000Z"), True)]
        assert words(verify(lines_of(export.rows()))) == ""

    def test_without_a_checkpoint_from_outside_it_says_what_cannot_be_seen(self, export):
        outcome = verify(lines_of(export.rows()))
        assert outcome.is_whole
        assert "a cut tail" in outcome.cautions[0]

    def test_without_a_key_it_says_so(self, export):
        outcome = Verifier(keys=[]).verify(io.BytesIO(b"".join(lines_of(export.rows()))))
        assert outcome.is_whole
        assert any("No public key" in caution for caution in outcome.cautions)

    def test_from_a_seal_on(self, export):
        outcome = verify(lines_of(export.rows(after=2)), outside=export.from_the_sink()["checkpoint"])
        assert words(outcome) == ""
        assert "after seal 2" in outcome.cautions[0]

    def test_from_beyond_the_checkpoint_on_nothing_is_compared_and_it_says_so(self, export):
        first = export.rows()[index_of(export.rows(), "checkpoint", 1)]["checkpoint"]
        outcome = verify(lines_of(export.rows(after=2)), outside=first)
        assert outcome.is_whole
        assert any("not compared" in caution for caution in outcome.cautions)

    def test_nothing_after_the_last_seal(self, export):
        assert words(verify(lines_of(export.rows(after=3)))) == ""


class TestRecords:
    def test_a_flipped_byte(self, export):
        rows = export.rows()
        rows[index_of(rows, "record", 6)]["record"]["actor"]["name"] = "Sita"
        outcome = verify(lines_of(rows))
        assert places(outcome) == ["position 6"]
        assert "record 18 was changed" in words(outcome)

    def test_a_missing_row_with_the_hash_that_the_seal_holds(self, export):
        rows = export.rows()
        gone = rows.pop(index_of(rows, "record", 6))
        rows[-1] = end_of(rows[1:-1])
        outcome = verify(lines_of(rows))
        assert places(outcome) == ["position 6"]
        assert leaf(gone["record"]) in words(outcome)

    def test_an_inserted_row(self, export):
        rows = export.rows()
        rows.insert(index_of(rows, "record", 6), {"type": "record", "position": 50, "seal": 3, "record": record(77)})
        rows[-1] = end_of(rows[1:-1])
        outcome = verify(lines_of(rows))
        assert places(outcome) == ["position 50"]
        assert "put in" in words(outcome)

    def test_a_duplicated_row(self, export):
        rows = export.rows()
        at = index_of(rows, "record", 6)
        rows.insert(at, rows[at])
        rows[-1] = end_of(rows[1:-1])
        assert words(verify(lines_of(rows))) == "position 6: stands twice"

    def test_two_rows_exchanged(self, export):
        rows = export.rows()
        one, other = index_of(rows, "record", 6), index_of(rows, "record", 7)
        rows[one]["record"], rows[other]["record"] = rows[other]["record"], rows[one]["record"]
        assert places(verify(lines_of(rows))) == ["position 6", "position 7"]

    def test_a_row_that_claims_another_seal(self, export):
        rows = export.rows()
        rows[index_of(rows, "record", 6)]["seal"] = 2
        assert places(verify(lines_of(rows))) == ["position 6"]

    def test_every_damage_is_told(self, export):
        rows = export.rows()
        for position in (2, 5, 9):
            rows[index_of(rows, "record", position)]["record"]["verb"] = "role.ended"
        assert places(verify(lines_of(rows))) == ["position 2", "position 5", "position 9"]

    def test_rows_behind_the_last_seal(self, export):
        rows = export.rows()
        rows.insert(len(rows) - 1, {"type": "record", "position": 10, "seal": 4, "record": record(10)})
        rows[-1] = end_of(rows[1:-1])
        assert "behind the last seal" in words(verify(lines_of(rows)))

    def test_one_that_the_sealer_does_not_know(self, export):
        export.unsealed = [(record(10, at="2026-11-24T12:59:59.000000Z"), False)]
        outcome = verify(lines_of(export.rows()))
        assert places(outcome) == ["record 30"]
        assert "past Goldgate" in words(outcome)

    def test_a_pending_one_from_long_before_the_last_seal(self, export):
        export.unsealed = [(record(10, at="2026-11-20T12:00:00.000000Z"), True)]
        outcome = verify(lines_of(export.rows()))
        assert places(outcome) == ["record 30"]
        assert "long before" in words(outcome)


class TestSeals:
    def test_changed(self, export):
        rows = export.rows()
        rows[index_of(rows, "seal", 2)]["seal"]["sealed_at"] = "2026-11-24T12:02:01.000000Z"
        assert "seal 2" in places(verify(lines_of(rows)))

    def test_changed_with_its_hash(self, export):
        rows = export.rows()
        row = rows[index_of(rows, "seal", 2)]
        row["seal"]["sealed_at"] = "2026-11-24T12:02:01.000000Z"
        row["hash"] = seal_hash(row["seal"])
        found = verify(lines_of(rows))
        assert {"seal 3", "checkpoint 2"} <= set(places(found))
        assert "does not chain" in words(found)

    def test_a_leaf_changed(self, export):
        rows = export.rows()
        rows[index_of(rows, "seal", 3)]["leaves"][0] = "ab" * 32
        assert set(places(verify(lines_of(rows)))) == {"position 6", "seal 3"}

    def test_missing_with_its_records(self, export):
        rows = [row for row in export.rows() if _seal_of(row) != 2]
        rows[-1] = end_of(rows[1:-1])
        outcome = verify(lines_of(rows))
        assert places(outcome)[0] == "seal 2"
        assert "is missing" in words(outcome)

    def test_missing_alone(self, export):
        rows = export.rows()
        del rows[index_of(rows, "seal", 2)]
        rows[-1] = end_of(rows[1:-1])
        assert "seal 2" in places(verify(lines_of(rows)))

    def test_twice(self, export):
        rows = export.rows()
        at = index_of(rows, "seal", 2)
        rows.insert(at, rows[at])
        rows[-1] = end_of(rows[1:-1])
        outcome = verify(lines_of(rows))
        assert "seal 2" in places(outcome)
        assert "twice" in words(outcome)

    def test_without_a_record(self, export):
        rows = export.rows()
        seal = {"count": 0, "first": 10, "number": 4, "previous": rows[index_of(rows, "seal", 3)]["hash"],
                "root": ZEROS, "sealed_at": "2026-11-24T12:04:00.000000Z"}  # fmt: skip
        rows.insert(len(rows) - 1, {"type": "seal", "hash": seal_hash(seal), "leaves": [], "seal": seal})
        rows[0]["through"] = 4
        rows[-1] = end_of(rows[1:-1])
        assert places(verify(lines_of(rows))) == ["seal 4"]

    def test_a_count_that_does_not_fit(self, export):
        rows = export.rows()
        row = rows[index_of(rows, "seal", 3)]
        row["seal"]["count"] = 5
        row["hash"] = seal_hash(row["seal"])
        assert "seal 3" in places(verify(lines_of(rows)))

    def test_fewer_than_the_header_promises(self, export):
        rows = [row for row in export.rows() if _seal_of(row) != 3]
        rows[-1] = end_of(rows[1:-1])
        assert places(verify(lines_of(rows))) == ["seal 3"]

    def test_more_than_the_header_promises(self, export):
        rows = export.rows()
        rows[0]["through"] = 0
        assert not verify(lines_of(rows)).is_whole


class TestTail:
    def test_cut_anywhere_is_seen_by_the_last_line(self, export):
        lines = lines_of(export.rows())
        for end in range(1, len(lines)):
            outcome = verify(lines[:end])
            assert "the file was cut" in words(outcome), end

    def test_cut_in_the_middle_of_a_line(self, export):
        whole = b"".join(lines_of(export.rows()))
        outcome = Verifier(keys=[KEY.public]).verify(io.BytesIO(whole[: len(whole) // 2]))
        assert "the file was cut" in words(outcome)

    def test_cut_with_header_and_end_written_anew_is_seen_from_outside_alone(self, export):
        rows = [row for row in export.rows() if _seal_of(row) != 3]
        rows[0]["through"] = 2
        rows[-1] = end_of(rows[1:-1])
        assert verify(lines_of(rows)).is_whole
        outcome = verify(lines_of(rows), outside=export.from_the_sink()["checkpoint"])
        assert places(outcome) == ["position 6"]
        assert "positions 6 to 9 are missing" in words(outcome)

    def test_everything_cut(self, export):
        outcome = verify(lines_of(Export().rows()), outside=export.from_the_sink()["checkpoint"])
        assert "positions 1 to 9 are missing" in words(outcome)

    def test_lines_behind_the_end(self, export):
        lines = lines_of(export.rows())
        assert not verify([*lines, lines[3]]).is_whole

    def test_an_end_that_counts_otherwise(self, export):
        rows = export.rows()
        rows[-1]["records"] = 8
        assert "counts 8 records" in words(verify(lines_of(rows)))

    @pytest.mark.parametrize("body", [b"", b"\n", b"\x00" * 1000, b"[]\n", b"null\n"])
    def test_what_is_no_export(self, body):
        assert not Verifier(keys=[]).verify(io.BytesIO(body)).is_whole


class TestChainedAnew:
    """Somebody with the database, and perhaps with the key, computed everything after a change anew."""

    def forged(self, export: Export) -> Export:
        export.batches[1][0]["verb"] = "role.ended"
        return export

    def test_with_the_key_it_is_seen_from_outside_alone(self, export):
        outside = export.from_the_sink()["checkpoint"]
        rows = self.forged(export).rows()
        assert verify(lines_of(rows)).is_whole
        outcome = verify(lines_of(rows), outside=outside)
        assert places(outcome) == ["seal 3"]
        assert "written anew at or before" in words(outcome)

    def test_without_the_key_the_old_checkpoints_show_it(self, export):
        old = {row["checkpoint"]["number"]: row for row in export.rows() if row["type"] == "checkpoint"}
        rows = self.forged(export).rows()
        for row in rows:
            if row["type"] == "checkpoint":
                row.update(old[row["checkpoint"]["number"]])
        assert places(verify(lines_of(rows))) == ["checkpoint 2", "checkpoint 3"]

    def test_signed_by_a_key_of_their_own(self, export):
        export.key = FOREIGN
        outcome = verify(lines_of(self.forged(export).rows()))
        assert places(outcome) == ["checkpoint 1", "checkpoint 2", "checkpoint 3"]
        assert "a key that you did not name" in words(outcome)


class TestCheckpoints:
    def test_a_forged_signature(self, export):
        rows = export.rows()
        row = rows[index_of(rows, "checkpoint", 2)]
        row["signature"] = FOREIGN.sign(row["checkpoint"])
        outcome = verify(lines_of(rows))
        assert places(outcome) == ["checkpoint 2"]
        assert "signature does not hold" in words(outcome)

    def test_a_foreign_key_that_the_header_vouches_for(self, export):
        """A key from the header is only a claim."""
        export.key = FOREIGN
        assert not verify(lines_of(export.rows()), keys=(KEY.public,)).is_whole
        assert verify(lines_of(export.rows()), keys=(KEY.public, FOREIGN.public)).is_whole

    @pytest.mark.parametrize("signature", ["", "zz" * 64, "ab" * 63, "ab" * 65])
    def test_a_signature_that_is_none(self, export, signature):
        rows = export.rows()
        rows[index_of(rows, "checkpoint", 2)]["signature"] = signature
        assert places(verify(lines_of(rows))) == ["checkpoint 2"]

    @pytest.mark.parametrize(("member", "value"), [("size", 8), ("head", "ab" * 32), ("number", 1)])
    def test_signed_and_of_another_head(self, export, member, value):
        rows = export.rows()
        row = rows[index_of(rows, "checkpoint", 3)]
        row["checkpoint"][member] = value
        row["signature"] = KEY.sign(row["checkpoint"])
        assert len(places(verify(lines_of(rows)))) == 1

    def test_signed_for_something_else(self, export):
        """What the same key signed in another format says nothing about a record."""
        rows = export.rows()
        row = rows[index_of(rows, "checkpoint", 3)]
        row["checkpoint"]["format"] = "goldgate-other/1"
        row["signature"] = KEY.sign(row["checkpoint"])
        assert places(verify(lines_of(rows))) == ["checkpoint 3"]


class TestLines:
    def test_an_unknown_type(self, export):
        rows = export.rows()
        rows.insert(3, {"type": "note", "text": "hello"})
        assert places(verify(lines_of(rows))) == ["line 4"]

    @pytest.mark.parametrize("kind", [[], {}, None, 1, True, "__class__", "line", "found"])
    def test_a_type_that_is_none(self, export, kind):
        lines = lines_of(export.rows())
        lines.insert(3, canonical({"type": kind}) + b"\n")
        assert places(verify(lines)) == ["line 4"]

    @pytest.mark.parametrize(
        ("number", "line"),
        [
            pytest.param(5, b'{ "type": "x" }\n', id="spaces"),
            pytest.param(5, b"not json\n", id="no-json"),
            pytest.param(5, b"\xff\xfe\n", id="no-utf8"),
            pytest.param(5, b'{"type":"record","position":NaN,"record":{},"seal":1}\n', id="nan"),
            pytest.param(5, b'{"position":1,"record":{"id":"\\ud800"},"seal":1,"type":"record"}\n', id="surrogate"),
            pytest.param(5, b'{"position":1' + b"0" * 5000 + b',"record":{},"seal":1,"type":"record"}\n', id="digits"),
            pytest.param(5, b'{"position":9007199254740993,"record":{},"seal":1,"type":"record"}\n', id="over-2^53"),
            pytest.param(5, b'{"position":[],"record":{},"seal":1,"type":"record"}\n', id="list-for-number"),
            pytest.param(5, b'{"hash":1,"leaves":null,"seal":[],"type":"seal"}\n', id="seal-of-lists"),
            pytest.param(5, b'{"checkpoint":[],"signature":{},"type":"checkpoint"}\n', id="checkpoint-of-lists"),
            pytest.param(5, b'{"is_pending":true,"record":[],"type":"unsealed"}\n', id="unsealed-list"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_read_is_located_and_ends_nothing(self, export, number, line):
        lines = lines_of(export.rows())
        lines.insert(number - 1, line)
        outcome = verify(lines)
        assert f"line {number}" in places(outcome)
        assert outcome.seals >= 3
        assert outcome.checkpoints >= 3

    def test_not_canonical(self, export):
        """The same value, written otherwise: somebody's editor was at it."""
        rows = export.rows()
        lines = lines_of(rows)
        lines[2] = json.dumps(rows[2]).encode() + b"\n"
        outcome = verify(lines)
        assert places(outcome) == ["line 3"]
        assert "not canonical" in words(outcome)

    def test_a_member_twice(self, export):
        lines = lines_of(export.rows())
        lines[2] = lines[2].replace(b'"type":"record"', b'"type":"record","type":"record"')
        assert places(verify(lines)) == ["line 3"]

    def test_a_member_more(self, export):
        rows = export.rows()
        rows[2]["note"] = "x"
        assert "line 3" in places(verify(lines_of(rows)))

    def test_a_fraction(self, export):
        """Canonical, and still nothing that this format has."""
        export.batches[0][0]["data"] = {"ratio": 1.5}
        assert "line 2" in places(verify(lines_of(export.rows())))

    def test_the_header_alone_may_be_first_and_only_first(self, export):
        lines = lines_of(export.rows())
        assert "line 2" in places(verify([lines[0], lines[0], *lines[1:]]))
        assert "line 1" in places(verify(lines[1:]))

    def test_another_format(self, export):
        rows = export.rows()
        rows[0]["format"] = "goldgate-record/2"
        assert "goldgate-record/2" in words(verify(lines_of(rows)))

    def test_a_huge_line_is_not_held_in_memory(self, export):
        class Endless(io.RawIOBase):
            """A gigabyte without an end of line."""

            left = 1 << 30
            largest = 0

            def readline(self, size: int | None = -1, /) -> bytes:
                assert size is not None
                assert 0 < size < 16 << 20
                given = min(size, self.left)
                self.left -= given
                return b"x" * given

        outcome = Verifier(keys=[]).verify(Endless())  # type: ignore[arg-type]
        assert not outcome.is_whole
        assert len(outcome.findings) <= 1001

    @pytest.mark.parametrize("depth", [200, 900, 100_000])
    def test_deep_json(self, export, depth):
        lines = lines_of(export.rows())
        deep = b'{"position":99,"record":' + b"[" * depth + b"]" * depth + b',"seal":1,"type":"record"}\n'
        lines.insert(2, deep)
        assert not verify(lines).is_whole

    def test_findings_have_an_end(self):
        outcome = verify([b"x\n"] * 5000)
        assert len(outcome.findings) <= 1001


class TestCheckpointFile:
    def data(self, value: Any) -> bytes:
        return canonical(value) + b"\n"

    def test_as_the_sink_has_it(self, export):
        checkpoint, public = read_checkpoint(self.data(export.from_the_sink()), keys=[KEY.public])
        assert (checkpoint["number"], checkpoint["size"], public) == (3, 9, KEY.public)

    def test_a_forged_one(self, export):
        value = export.from_the_sink()
        value["checkpoint"]["size"] = 8
        with pytest.raises(ValueError, match="signature does not hold"):
            read_checkpoint(self.data(value), keys=[KEY.public])

    def test_one_of_a_foreign_key(self, export):
        export.key = FOREIGN
        with pytest.raises(ValueError, match="a key that you did not name"):
            read_checkpoint(self.data(export.from_the_sink()), keys=[KEY.public])

    def test_one_whose_named_key_is_another(self, export):
        """Without a key that was given, the one it names counts; it must at least be the one that signed."""
        value = export.from_the_sink() | {"public_key": FOREIGN.public.hex()}
        with pytest.raises(ValueError, match="signature does not hold"):
            read_checkpoint(self.data(value), keys=[])

    @pytest.mark.parametrize(
        "change",
        [
            {"number": "3"}, {"size": None}, {"head": 7}, {"format": "other/1"}, {"number": True}, {"size": -1},
            {"more": 1}, {"head": "short"}, {"at": 3},
        ],
        ids=str,
    )  # fmt: skip
    def test_one_that_says_something_else_and_is_signed(self, export, change):
        value = export.from_the_sink()
        value["checkpoint"] |= change
        value["signature"] = KEY.sign(value["checkpoint"])
        with pytest.raises(ValueError, match="not a checkpoint"):
            read_checkpoint(self.data(value), keys=[KEY.public])

    @pytest.mark.parametrize(
        "body",
        [b"", b"[]", b"{}", b"[" * 100_000, b'{"checkpoint":{},"public_key":7,"signature":[]}',
         b'{"checkpoint":[],"public_key":"00","signature":"00"}'],
    )  # fmt: skip
    def test_what_is_none(self, body):
        with pytest.raises(ValueError, match="not a checkpoint"):
            read_checkpoint(body, keys=[])


def _seal_of(row: dict[str, Any]) -> int:
    match row["type"]:
        case "record":
            return int(row["seal"])
        case "seal" | "checkpoint":
            return int(row[row["type"]]["number"])
    return 0
