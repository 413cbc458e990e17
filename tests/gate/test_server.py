"""The serving process, without the network: routes, the record before the answer, readiness."""

import asyncio
import json

import pytest

from gate.callers import MalformedTokens, new_token
from gate.clock import Clock
from gate.fetcher import Fetcher
from gate.server import GateApp
from gate.spool import SpoolUnavailable, closed_segments, lines_of
from tests.factories.gate import APP_NAME, APP_REFERENCE, digest_of
from tests.factories.reviews import pod, review
from tests.gate.support import DirectorySource, Repository, make_home

UNCERTIFIED = f"{APP_NAME}@{digest_of('uncertified')}"


@pytest.fixture
def repository(tmp_path):
    found = Repository(tmp_path / "published")
    found.publish()
    return found


@pytest.fixture
def home(tmp_path, repository):
    found = make_home(tmp_path / "gate", repository)
    Fetcher(found, DirectorySource(repository.directory), Clock(found.time_floor_path)).fetch()
    return found


def serving(home, test):
    """Run ``test(app, post)`` against a started app; ``post`` returns status and decoded body."""

    async def run():
        app = GateApp()
        app.start(home, asyncio.get_running_loop())

        async def post(path, value, *, method="POST", authorization=""):
            body = value if isinstance(value, bytes) else json.dumps(value).encode()
            response = await app.respond(method, path, authorization, body)
            is_json = "json" in dict(response.headers)["content-type"]
            return response.status, json.loads(response.body) if is_json else response.body

        try:
            return await asyncio.wait_for(test(app, post), 20)
        finally:
            app.stop()

    return asyncio.run(run())


def kept(home):
    return [json.loads(line) for path in closed_segments(home.spool_path) for line in lines_of(path)]


class TestAdmit:
    def test_the_decision_is_on_the_disk_when_the_answer_leaves(self, home):
        async def test(app, post):
            _, answer = await post("/v1/admit", review())
            (path,) = home.spool_path.iterdir()
            assert answer["response"]["auditAnnotations"]["decision"].encode() in path.read_bytes()

        serving(home, test)
        assert [item["allowed"] for item in kept(home)] == [True]

    def test_what_cannot_be_recorded_is_denied(self, home):
        async def test(app, post):
            async def fail(line):
                raise SpoolUnavailable("the disk is full")

            app.spool.append = fail
            status, answer = await post("/v1/admit", review())
            assert status == 200
            assert answer["response"]["allowed"] is False
            assert answer["response"]["uid"] == review()["request"]["uid"]
            assert "cannot be recorded" in answer["response"]["status"]["message"]
            status, _ = await post("/v1/decide", {"images": [APP_REFERENCE]})
            assert status == 503

        serving(home, test)

    def test_a_fault_of_ours_is_a_denial_not_a_silence(self, home):
        async def test(app, post):
            async def fail(line):
                raise RuntimeError("bug")

            app.spool.append = fail
            status, answer = await post("/v1/admit", review())
            assert (status, answer["response"]["allowed"]) == (200, False)
            assert answer["response"]["uid"] == review()["request"]["uid"]

        serving(home, test)

    def test_a_dry_run_leaves_nothing(self, home):
        async def test(app, post):
            before = sorted(home.path.rglob("*"))
            _, answer = await post("/v1/admit", review(dryRun=True))
            assert answer["response"]["allowed"] is True
            _, answer = await post("/v1/decide", {"images": [APP_REFERENCE], "dry_run": True})
            assert answer["decision_id"] is None
            assert sorted(home.path.rglob("*")) == before

        serving(home, test)
        assert kept(home) == []


class TestDecide:
    def test_webhook_and_plain_question_give_one_verdict(self, home):
        async def test(app, post):
            for image in (APP_REFERENCE, UNCERTIFIED):
                value = pod({"containers": [{"name": "a", "image": image}]})
                _, reviewed = await post("/v1/admit", review(value, dryRun=True))
                _, asked = await post("/v1/decide", {"object": value, "namespace": "web", "dry_run": True})
                assert asked["allowed"] is reviewed["response"]["allowed"]
                assert asked["message"] == reviewed["response"].get("status", {}).get("message", "")

        serving(home, test)

    def test_images_by_reference_state_root_instead_of_refusing(self, home):
        async def test(app, post):
            status, answer = await post("/v1/decide", {"images": [APP_REFERENCE, UNCERTIFIED]})
            assert status == 200
            assert answer["allowed"] is False
            assert [image["allowed"] for image in answer["images"]] == [True, False]
            assert (answer["snapshot_version"], answer["policy_version"]) == (1, 3)

        serving(home, test)
        assert [item["operation"] for item in kept(home)] == ["ASK"]

    @pytest.mark.parametrize(
        "question",
        [b"", b"{", b"[]", {}, {"images": []}, {"images": ["a"], "object": {}}, {"images": "a"}, {"image": "a"}],
    )
    def test_what_is_no_question_is_a_problem(self, home, question):
        async def test(app, post):
            status, answer = await post("/v1/decide", question)
            assert status == 400
            assert answer["title"] == "malformed_question"

        serving(home, test)

    def test_an_object_that_carries_pods_but_shows_none_is_refused(self, home):
        async def test(app, post):
            for value in ({"kind": "Pod"}, {"kind": "ConfigMap"}):
                _, answer = await post("/v1/decide", {"object": value})
                assert answer["allowed"] is False

        serving(home, test)


class TestRoutes:
    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", "/livez", 200),
            ("GET", "/readyz", 200),
            ("GET", "/v1/admit", 405),
            ("PUT", "/v1/decide", 405),
            ("GET", "/", 404),
            ("POST", "/v1/admit/", 404),
        ],
    )
    def test_status(self, home, method, path, status):
        async def test(app, post):
            assert (await post(path, b"", method=method))[0] == status

        serving(home, test)

    def test_readiness_says_versions_and_ages(self, home):
        async def test(app, post):
            _, state = await post("/readyz", b"", method="GET")
            assert state["ready"] is True
            assert state["snapshot"]["version"] == 1
            assert state["spool"]["is_writable"] is True
            app.holder.snapshot.expires_at = 1
            status, state = await post("/readyz", b"", method="GET")
            assert (status, state["ready"], state["snapshot"]["is_valid"]) == (503, False, False)

        serving(home, test)

    def test_an_unwritable_spool_is_not_ready(self, home):
        async def test(app, post):
            app.spool.error = "full"
            status, state = await post("/readyz", b"", method="GET")
            assert (status, state["spool"]["error"]) == (503, "full")

        serving(home, test)

    @pytest.mark.parametrize(("ahead", "status"), [(4, 200), (60, 503)])
    def test_a_clock_that_is_behind_is_not_ready(self, home, ahead, status):
        async def test(app, post):
            app.holder.snapshot.issued_at = app.clock.now() + ahead
            assert (await post("/readyz", b"", method="GET"))[0] == status

        serving(home, test)

    def test_no_snapshot_is_not_ready(self, tmp_path, repository):
        async def test(app, post):
            status, state = await post("/readyz", b"", method="GET")
            assert (status, state["snapshot"]["version"]) == (503, None)

        serving(make_home(tmp_path / "empty", repository), test)

    def test_a_bearer_token_is_asked_for_where_one_is_set(self, tmp_path, home, repository):
        (tmp_path / "bearer").write_text("s3cret\n")
        guarded = make_home(home.path, repository, bearer_token_file=str(tmp_path / "bearer"))

        async def test(app, post):
            for path in ("/v1/admit", "/v1/decide"):
                for authorization in ("", "Bearer", "Bearer wrong", "bearer s3cret", "Bearer s3cret\u00e9"):
                    assert (await post(path, review(), authorization=authorization))[0] == 401
            assert (await post("/v1/admit", review(), authorization="Bearer s3cret"))[0] == 200
            assert (await post("/livez", b"", method="GET"))[0] == 200
            assert (await post("/readyz", b"", method="GET"))[1]["callers"] == "a token"

        serving(guarded, test)

    def test_the_token_may_stand_in_the_webhook_s_address(self, tmp_path, home, repository):
        old, new = new_token(), new_token()
        (home.path / "caller-token").write_text(f"{new}\n{old}\n")
        guarded = make_home(home.path, repository, bearer_token_file="caller-token")

        async def test(app, post):
            for good in (new, old):
                status, answer = await post(f"/v1/admit/{good}", review())
                assert (status, answer["response"]["uid"]) == (200, review()["request"]["uid"])
            for wrong in ("", "x", new[:-1], f"{new}/", f"{new}x", new.swapcase(), f"/{new}", "%20", "\udce9"):
                assert (await post(f"/v1/admit/{wrong}", review()))[0] == 401
            assert (await post(f"/v1/decide/{new}", review()))[0] == 404
            assert (await post(f"/v1/admit/{new}", b"", method="GET"))[0] == 404

        serving(guarded, test)

    def test_a_short_token_or_one_that_needs_quoting_is_good_in_the_header_alone(self, home, repository):
        for token in ("s3cret", "a b" * 20):
            (home.path / "caller-token").write_text(token)
            guarded = make_home(home.path, repository, bearer_token_file="caller-token")

            async def test(app, post, token=token):
                assert (await post(f"/v1/admit/{token}", review()))[0] == 401
                assert (await post("/v1/admit", review(), authorization=f"Bearer {token}"))[0] == 200

            serving(guarded, test)

    def test_who_asks_nobody_says_so(self, home):
        async def test(app, post):
            assert (await post("/readyz", b"", method="GET"))[1]["callers"] == "nothing"
            assert (await post("/v1/admit/anything", review()))[0] == 404

        serving(home, test)

    @pytest.mark.parametrize("text", [None, "", "\n \n"])
    def test_a_file_without_a_token_lets_nobody_in_it_stops_the_start(self, home, repository, text):
        if text is not None:
            (home.path / "caller-token").write_text(text)
        guarded = make_home(home.path, repository, bearer_token_file="caller-token")
        with pytest.raises((MalformedTokens, OSError)):
            guarded.callers()
