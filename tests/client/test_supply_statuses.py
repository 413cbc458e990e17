"""Every command of sources, recipes, builds, waves and upstream tags ends as the others do when it is told no."""

import pytest

from tests.client import builds_answers, renewal_answers, sources_answers
from tests.client.stand_in import Answer, StandIn, problem

COMMANDS = {
    "catalog add": ["catalog", "add", "debian/12"],
    "builds reproduce": ["builds", "reproduce", builds_answers.BUILD],
    "sources add": ["sources", "add", "a", "debian/12", "https://git.example/x.git"],
    "sources change": ["sources", "change", "debian-base", "--ref", "main"],
    "sources pause": ["sources", "pause", "debian-base"],
    "sources resume": ["sources", "resume", "debian-base"],
    "sources causes": ["sources", "causes", "debian-base"],
    "sources pipelines": ["sources", "pipelines", "debian-base"],
    "recipes list": ["recipes", "list", "debian-base"],
    "recipes show": ["recipes", "show", sources_answers.RECIPE],
    "recipes diff": ["recipes", "diff", sources_answers.RECIPE],
    "waves list": ["waves", "list"],
    "waves show": ["waves", "show", renewal_answers.WAVE],
    "waves start": ["waves", "start", "debian/12"],
    "renewals": ["renewals"],
    "upstream list": ["upstream", "list"],
    "upstream add": ["upstream", "add", "debian-slim/12", "docker.io/library/debian:12-slim"],
    "upstream look": ["upstream", "look", "debian-slim/12"],
    "upstream pause": ["upstream", "pause", "debian-slim/12"],
    "upstream resume": ["upstream", "resume", "debian-slim/12"],
    "upstream remove": ["upstream", "remove", "debian-slim/12"],
    "drift": ["drift"],
    "profile": ["profile", "debian/12"],
}


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
class TestToldNo:
    @pytest.mark.parametrize(
        ("status", "ends"), [(400, 2), (401, 4), (403, 4), (404, 2), (409, 1), (503, 3)], ids=lambda value: str(value)
    )
    def test_ends_with_its_status_and_says_why(self, run, signed_in: StandIn, words, status, ends) -> None:
        signed_in.everything = Answer(problem(status, "No, for this reason.", cure="Ask Ada."), status)
        ran = run(*words)
        assert (ran.status, ran.out) == (ends, "")
        assert "No, for this reason.\nAsk Ada." in ran.err

    def test_not_signed_in_asks_nobody(self, run, signed_in: StandIn, monkeypatch, words) -> None:
        monkeypatch.delenv("GOLDGATE_TOKEN")
        monkeypatch.delenv("GOLDGATE_URL")
        ran = run(*words)
        assert (ran.status, "goldgate login" in ran.err) == (4, True)
        assert signed_in.asked == []
