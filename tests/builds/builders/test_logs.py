import itertools

import pytest
from rest_framework.test import APIClient

from accounts.roles import Role
from builds.adapters.secrets import secret_values
from builds.domain.log_text import MASK, Masker, neutral
from builds.services.logs import CHUNK_BYTES, MAX_BYTES, MAX_LINE_CHARACTERS, LogWriter, append_log
from tests.builds.builders.support import log_of
from tests.factories.accounts import person_with
from tests.factories.builds import BuildFactory


class TestNeutral:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            pytest.param("plain\ttext\n", "plain\ttext\n", id="plain"),
            pytest.param("\x1b[31mred\x1b[0m", "red", id="colour"),
            pytest.param("\x1b[2J\x1b[1;1HBuild succeeded", "Build succeeded", id="screen"),
            pytest.param("\x1b]0;title\x07x", "x", id="title"),
            pytest.param("\x1b]52;c;cm0gLXJmIC8=\x07x", "x", id="clipboard"),
            pytest.param("\x1bPq#0\x1b\\x", "x", id="device-control"),
            pytest.param("one\r\ntwo\rthree", "one\ntwo\nthree", id="carriage-return"),
            pytest.param("a\x00b\x08c", "a␀b␈c", id="control"),
            pytest.param("\x9b31mred", "red", id="one-byte-introducer"),
            pytest.param("user\u202etxt.exe", "user\N{REPLACEMENT CHARACTER}txt.exe", id="turning"),
            pytest.param("cut \x1b[31", "cut ", id="unfinished"),
        ],
    )
    def test_leaves_what_people_can_read(self, text, expected):
        assert neutral(text) == expected


class TestMasker:
    def test_hides_known_values_in_the_spellings_they_get(self):
        masker = Masker(["s3cret/with+signs"])
        said = "s3cret/with+signs s3cret%2Fwith%2Bsigns czNjcmV0L3dpdGgrc2lnbnM="
        assert masker.mask(said).count(MASK) == 3
        assert "s3cret" not in masker.mask(said)

    def test_hides_the_longer_of_two_values_whole(self):
        assert Masker(["abcdef", "abcdefghij"]).mask("abcdefghij") == MASK

    def test_leaves_short_values_alone(self):
        assert Masker(["true"]).mask("true") == "true"

    def test_hides_what_looks_like_a_secret(self):
        masker = Masker([], secret_values)
        token = "ghp_" + "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8"
        assert masker.mask(f"cloning with {token}\n") == f"cloning with {MASK}\n"

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7", f"AWS_SECRET_ACCESS_KEY={MASK}"),
            ('DB_PASSWORD="hunter2hunter2"', f'DB_PASSWORD="{MASK}"'),
            ("TOKEN=$NPM_TOKEN", "TOKEN=$NPM_TOKEN"),
            ("author=Wendy-the-builder", "author=Wendy-the-builder"),
        ],
    )
    def test_hides_what_is_assigned_to_a_secret_name(self, text, expected):
        assert Masker([]).mask(text) == expected


@pytest.fixture
def build(db, now):
    return BuildFactory(now)


def writer_of(build, now, *values):
    return LogWriter(
        lambda text: append_log(build, text, now=now), Masker(values), clock=itertools.count(step=0.01).__next__
    )


class TestPrivateKeys:
    KEY = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIBkg\nqFr0AwEHoUQD\n-----END EC PRIVATE KEY-----\n"

    def test_are_taken_out_with_their_lines(self):
        assert Masker([]).mask(f"before\n{self.KEY}after\n") == f"before\n{MASK}\nafter\n"

    def test_are_taken_out_over_several_pieces(self):
        masker = Masker([])
        said = "".join(masker.mask(line) for line in f"{self.KEY}after\n".splitlines(keepends=True))
        assert said == f"{MASK}\nafter\n"


class TestALog:
    def test_is_written_in_pieces_of_at_most_16_kib(self, build, now):
        text = "".join(f"line {number} ä\n" for number in range(5000))
        append_log(build, text, now=now)
        assert log_of(build) == text
        assert all(len(one.text.encode()) <= CHUNK_BYTES for one in build.log_chunks.all())
        assert list(build.log_chunks.values_list("number", flat=True)) == list(range(build.log_chunks.count()))
        build.refresh_from_db()
        assert build.log_bytes == len(text.encode())

    def test_hides_a_secret_that_came_in_two_pieces(self, build, now):
        writer = writer_of(build, now, "correct-horse-battery")
        writer("the key is correct-horse")
        writer("-battery, they said\n")
        writer.close()
        assert log_of(build) == f"the key is {MASK}, they said\n"

    def test_hides_a_secret_with_escapes_in_the_middle(self, build, now):
        writer = writer_of(build, now, "correct-horse-battery")
        writer("correct-\x1b[0mhorse-battery\n")
        writer.close()
        assert log_of(build) == f"{MASK}\n"

    @pytest.mark.parametrize("before", ["x" * MAX_LINE_CHARACTERS, "word " * (MAX_LINE_CHARACTERS // 5)])
    @pytest.mark.parametrize("shown", [1, 11, 20])
    def test_cuts_no_secret_in_two_where_a_line_is_too_long(self, build, now, before, shown):
        secret = "correct-horse-battery"
        writer = writer_of(build, now, secret)
        writer(before[shown:] + "." + secret[:shown])
        writer(secret[shown:] + " and more\n")
        writer.close()
        said = log_of(build).replace("\n", "")
        assert said == f"{before[shown:]}.{MASK} and more"

    def test_cuts_a_line_that_is_nothing_but_what_may_be_a_secret(self, build, now):
        writer = writer_of(build, now, "a" * (2 * MAX_LINE_CHARACTERS))
        writer("a" * (MAX_LINE_CHARACTERS + 1))
        writer.close()
        assert log_of(build).replace("\n", "") == "a" * (MAX_LINE_CHARACTERS + 1)

    def test_shows_where_a_silent_build_stands(self, build, now):
        times = iter([0.0, 0.1, 0.2, 1.5, 1.5])
        writer = LogWriter(lambda text: append_log(build, text, now=now), Masker([]), clock=times.__next__)
        writer("compiling\n")
        assert log_of(build) == ""
        writer.tick()
        writer.tick()
        assert log_of(build) == "compiling\n"

    def test_is_cut_and_keeps_its_end(self, build, now):
        writer = writer_of(build, now)
        for number in range(70_000):
            writer(f"{number:08} the same line again and again, as some builds do it\n")
        writer("the real reason\n")
        writer.close()
        build.refresh_from_db()
        assert build.log_bytes <= MAX_BYTES
        assert "bytes are left out here" in log_of(build)
        assert log_of(build).endswith("the real reason\n")
        assert log_of(build).startswith("00000000 the same")

    def test_takes_nothing_more_when_it_is_full(self, build, now):
        type(build).objects.filter(pk=build.pk).update(log_bytes=MAX_BYTES)
        assert append_log(build, "more\n", now=now) == 0
        assert log_of(build) == ""


class TestTheLogInTheApi:
    @pytest.fixture
    def api(self, db):
        client = APIClient()
        client.force_authenticate(person_with(Role.VIEWER))
        return client

    def test_is_read_part_by_part_to_its_end(self, api, build, now):
        append_log(build, "one\n", now=now)
        first = api.get(f"/api/v1/builds/{build.pk}/log").json()
        assert first == {"state": "asked", "text": "one\n", "next": 1, "is_end": False}
        append_log(build, "two\n", now=now)
        type(build).objects.filter(pk=build.pk).update(state="failed", failure="It broke.", finished_at=now)
        second = api.get(f"/api/v1/builds/{build.pk}/log", {"after": first["next"]}).json()
        assert second == {"state": "failed", "text": "two\n", "next": 2, "is_end": True}

    def test_is_not_at_its_end_before_all_was_read(self, api, build, now):
        append_log(build, "x" * 99 + "\n", now=now)
        for _ in range(64):
            append_log(build, "y\n", now=now)
        type(build).objects.filter(pk=build.pk).update(state="failed", failure="It broke.", finished_at=now)
        assert api.get(f"/api/v1/builds/{build.pk}/log").json()["is_end"] is False
        assert api.get(f"/api/v1/builds/{build.pk}/log", {"after": 64}).json()["is_end"] is True

    @pytest.mark.parametrize("after", ["-1", "x", "1e3", "9" * 12, ""])
    def test_refuses_a_place_that_is_none(self, api, build, after):
        assert api.get(f"/api/v1/builds/{build.pk}/log", {"after": after}).status_code == 400

    def test_of_no_build_is_missing(self, api):
        assert api.get("/api/v1/builds/018f0000-0000-7000-8000-000000000000/log").status_code == 404
