"""Checks of recipes, which are kept, and of texts, which are not; pinning; hadolint."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from audit.models import Record
from builds.adapters.hadolint import lint, read_answer
from builds.domain.bases import ResolvedBase, Use
from builds.domain.dockerfile import DockerfileMalformed, parse
from builds.domain.pinning import pinned
from builds.models import Check
from builds.selectors.checks import blocking_checks, recipe_checks
from builds.services.bases import resolve_bases
from builds.services.checks import check_recipe, check_text
from catalog import services as catalog
from policies.models import Grant
from tests.builds.dockerfile.support import certify, reference_of
from tests.factories.accounts import person_with
from tests.factories.builds import RecipeFactory, SourceFactory

HADOLINT = Path(__file__).parents[2] / "data" / "hadolint"
BAD = "FROM debian:12\nRUN sudo id\nUSER 5\n"


@pytest.mark.django_db
class TestCheckRecipe:
    def test_keeps_what_it_found_and_when(self, now, debian):
        recipe = RecipeFactory(now, dockerfile=BAD)
        assert recipe.checked_at is None
        check_recipe(recipe, now)
        recipe.refresh_from_db()
        assert recipe.checked_at == now
        assert [(one.rule, one.severity, one.line) for one in recipe_checks(recipe) if one.severity != "note"] == [
            ("GG1007", "warning", 1),
            ("GG1055", "error", 2),
        ]
        told = Record.objects.get(verb="recipe.checked")
        assert (told.subject_id, told.data["errors"]) == (str(recipe.pk), 1)

    def test_again_replaces_it(self, now, debian):
        recipe = RecipeFactory(now, dockerfile=BAD)
        check_recipe(recipe, now)
        check_recipe(recipe, now)
        assert Check.objects.filter(recipe=recipe, rule="GG1055").count() == 1

    def test_a_base_that_was_withdrawn_since_is_an_error_then(self, now, debian):
        bases = [one.as_json() for one in resolve_bases(parse(BAD), arguments={}, is_base_recipe=False, now=now)]
        recipe = RecipeFactory(now, dockerfile=BAD, bases=bases)
        catalog.set_revoked(subversion=debian, at=now, reason="Leaked.")
        certify(now, "debian/12")  # the name leads to another one now: the recipe is built with the old one
        check_recipe(recipe, now)
        (found,) = [one for one in recipe_checks(recipe) if one.line == 1 and one.severity == "error"]
        assert (found.rule, "Leaked." in found.message) == ("GG1002", True)

    @pytest.mark.parametrize("platforms", [["linux/amd64", "linux/arm64"], ["linux/arm64", "linux/amd64"]])
    def test_looks_at_every_platform_and_says_on_which(self, now, debian, platforms):
        text = "FROM debian:12\nARG TARGETARCH\nENV N=${TARGETARCH/amd64/65532}\nUSER ${N/arm64/0}\n"
        source = SourceFactory(now, is_base_recipe=False)
        recipe = RecipeFactory(now, source=source, dockerfile=text, platforms=platforms)
        check_recipe(recipe, now)
        (found,) = [one for one in recipe_checks(recipe) if one.rule == "GG1020"]
        assert (found.severity, found.message) == ("error", "It runs as root. (On linux/arm64.)")
        one = RecipeFactory(now, source=source, dockerfile=text, platforms=["linux/amd64"])
        check_recipe(one, now)
        assert not [each for each in recipe_checks(one) if each.rule == "GG1020"]

    def test_follows_the_source(self, now, debian):
        text = "FROM debian:12\nUSER root\n"
        for is_base, severity in ((True, "warning"), (False, "error")):
            recipe = RecipeFactory(now, dockerfile=text, source=SourceFactory(now, is_base_recipe=is_base))
            assert {one.severity for one in check_recipe(recipe, now) if one.rule in ("GG1020", "GG1021")} == {severity}

    def test_counts_arguments_and_files(self, now, debian):
        recipe = RecipeFactory(
            now,
            dockerfile="FROM debian:12\nUSER 5\n",
            arguments={"NPM_TOKEN": "x"},
            files=[[".npmrc", "100644", 3, "0"]],
        )
        found = {(one.rule, one.path) for one in check_recipe(recipe, now)}
        assert {("GG1023", "argument NPM_TOKEN"), ("GG1026", ".npmrc")} <= found

    def test_blocks_until_a_waiver_is_in_force(self, now, debian):
        recipe = RecipeFactory(now, dockerfile=BAD)
        check_recipe(recipe, now)
        assert [one.rule for one in blocking_checks(recipe, now)] == ["GG1055"]
        tomorrow = now + timedelta(days=1)
        Grant.objects.create(
            kind="waiver", rule="GG1055", scope_kind="source", scope=recipe.source.name, reason="Tested.",
            asked_by=person_with(), asker_identity="a", given_by=person_with(), giver_identity="b",
            asked_at=now, starts_at=now, asked_until=tomorrow, ends_at=tomorrow,
        )  # fmt: skip
        assert blocking_checks(recipe, now) == []
        assert blocking_checks(recipe, tomorrow) != []


@pytest.mark.django_db
class TestCheckText:
    @pytest.mark.parametrize(
        ("text", "outcome"),
        [("FROM {base}\nUSER 5\n", "pass"), ("FROM debian:12\nUSER 5\n", "warn"), (BAD, "fail")],
    )
    def test_outcome(self, now, debian, text, outcome):
        text = text.replace("{base}", reference_of(debian))
        assert check_text(text, arguments={}, now=now).outcome == outcome

    def test_keeps_nothing(self, now, debian):
        before = Record.objects.count()
        check_text(BAD, arguments={}, now=now)
        assert (Check.objects.count(), Record.objects.count()) == (0, before)

    def test_what_is_fixed_has_nothing_left_to_fix(self, now, debian):
        text = "FROM debian:12 AS a\nCOPY --from=debian:12 x y\nRUN --mount=from=debian,target=/x true\nUSER 5\n"
        fixed = check_text(text, arguments={}, now=now).fixed
        again = check_text(fixed, arguments={}, now=now)
        assert (again.fixed, again.outcome) == (fixed, "warn")  # DL3045
        assert fixed.count(reference_of(debian)) == 3

    def test_names_of_secrets_and_values_found_in_the_text(self, now, debian):
        text = "FROM debian:12\nRUN echo ghp_A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8\nUSER 5\n"
        found = {one.rule: one for one in check_text(text, arguments={}, now=now).results}
        assert found["GG1025"].line == 2
        assert "ghp_" not in found["GG1025"].message

    def test_what_is_no_dockerfile(self, now):
        with pytest.raises(DockerfileMalformed):
            check_text("kind: Pod\n", arguments={}, now=now)


def base(line: int, written: str, fix: str, use: Use = Use.FROM) -> ResolvedBase:
    return ResolvedBase(asked=written, stage=0, line=line, kind="certified", written=written, fix=fix, use=use)  # type: ignore[arg-type]


REF = "h.example/a@sha256:" + "0" * 64


class TestPinned:
    @pytest.mark.parametrize(
        ("text", "bases", "expected"),
        [
            pytest.param("FROM a\n", [], "FROM a\n", id="nothing"),
            pytest.param("from   a  as B  \n", [base(1, "a", REF)], f"from   {REF}  as B  \n", id="case-and-blanks"),
            pytest.param("FROM a\r\nRUN a", [base(1, "a", REF)], f"FROM {REF}\r\nRUN a", id="line-ends"),
            pytest.param("# FROM a\nFROM a\n", [base(2, "a", REF)], f"# FROM a\nFROM {REF}\n", id="comments"),
            pytest.param("FROM --platform=$P a\n", [base(1, "a", REF)], f"FROM --platform=$P {REF}\n", id="flags"),
            pytest.param("FROM FROM\n", [base(1, "FROM", REF)], f"FROM {REF}\n", id="a-base-called-from"),
            pytest.param("ARG A\nFROM ${A:-x}\n", [base(2, "${A:-x}", REF)], f"ARG A\nFROM {REF}\n", id="arguments"),
            pytest.param("FROM \\\n  a\n", [base(1, "a", REF)], "FROM \\\n  a\n", id="on-another-line-is-left"),
            pytest.param(
                "FROM x\nCOPY --chown=1 --from=a a /a\n", [base(2, "a", REF, Use.COPY)],
                f"FROM x\nCOPY --chown=1 --from={REF} a /a\n", id="copy",
            ),
            pytest.param(
                "FROM x\nCOPY \\\n  --from=a \\\n a /a\n", [base(2, "a", REF, Use.COPY)],
                f"FROM x\nCOPY \\\n  --from={REF} \\\n a /a\n", id="copy-over-lines",
            ),
            pytest.param(
                "FROM x\nRUN --mount=type=bind,from=a,target=/a echo from=a\n", [base(2, "a", REF, Use.MOUNT)],
                f"FROM x\nRUN --mount=type=bind,from={REF},target=/a echo from=a\n", id="mount",
            ),
            pytest.param(
                "FROM x\nRUN --mount=from=x,target=/x <<E\n--mount=from=a,target=/a\nE\n",
                [base(2, "a", REF, Use.MOUNT)],
                "FROM x\nRUN --mount=from=x,target=/x <<E\n--mount=from=a,target=/a\nE\n", id="a-heredoc-is-left",
            ),
            pytest.param(
                "FROM $P\n", [base(1, "$P", REF), base(1, "$P", REF.replace("a@", "b@"))], "FROM $P\n",
                id="platforms-that-differ-are-left",
            ),
        ],
    )  # fmt: skip
    def test_touches_references_alone(self, text, bases, expected):
        assert pinned(parse(text), bases) == expected


class TestHadolint:
    @pytest.mark.parametrize("name", ["bad", "good"])
    def test_says_what_it_said_when_it_was_recorded(self, name):
        recorded = read_answer((HADOLINT / f"hadolint-{name}.json").read_bytes())
        expected = [one for one in recorded if one.rule not in ("DL3008", "DL3018", "DL3033", "DL3037", "DL3041")]
        assert lint((HADOLINT / "dockerfiles" / name / "Dockerfile").read_bytes()) == expected
        assert bool(expected) == (name == "bad")

    def test_weighs_at_most_as_a_warning(self):
        found = read_answer((HADOLINT / "hadolint-bad.json").read_bytes())
        raw = json.loads((HADOLINT / "hadolint-bad.json").read_bytes())
        assert "error" in {one["level"] for one in raw}
        assert {str(one.severity) for one in found} == {"warning", "note"}

    def test_what_it_cannot_read_is_told(self):
        (found,) = read_answer((HADOLINT / "hadolint-ugly.json").read_bytes())
        assert (found.rule, found.line) == ("GG1017", 15)

    @pytest.mark.parametrize("body", [b"", b"{}", b"[1]", b'[{"code": "DL1"}]', b"\xff"])
    def test_an_answer_that_is_none_is_told(self, body):
        assert [one.rule for one in read_answer(body)] == ["GG1017"]

    def test_a_linter_that_is_not_there_is_told(self, tmp_path):
        assert [one.rule for one in lint(b"FROM a\n", binary=tmp_path / "none")] == ["GG1017"]

    def test_a_comment_switches_nothing_off(self):
        found = lint(b"# hadolint global ignore=DL3004\nFROM a:1\n# hadolint ignore=DL3004\nRUN sudo id\n")
        assert "DL3004" in {one.rule for one in found}
