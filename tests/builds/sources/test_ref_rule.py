import pytest

from builds.domain.ref_rule import RefKind, chosen_ref, kind_of, rule_problem, version_key

REFS = dict.fromkeys(
    (
        "HEAD",
        "refs/heads/main",
        "refs/heads/both",
        "refs/tags/both",
        "refs/tags/v1.2",
        "refs/tags/v1.9.1",
        "refs/tags/v1.10",
        "refs/tags/v1.10-rc1",
        "refs/tags/v2.0",
        "refs/tags/images/12",
        "refs/pull/7/head",
    ),
    "a" * 40,
)


class TestChosenRef:
    @pytest.mark.parametrize(
        ("rule", "ref"),
        [
            ("main", "refs/heads/main"),
            ("v1.2", "refs/tags/v1.2"),
            ("refs/tags/both", "refs/tags/both"),
            ("images/12", "refs/tags/images/12"),
            ("v1.*", "refs/tags/v1.10"),
            ("refs/tags/v*", "refs/tags/v2.0"),
            ("v1.1?-rc*", "refs/tags/v1.10-rc1"),
            ("v[12].0", "refs/tags/v2.0"),
        ],
    )
    def test_names_one_ref(self, rule, ref):
        assert chosen_ref(rule, REFS) == ref

    @pytest.mark.parametrize(
        ("rule", "words"),
        [
            ("both", "is a branch and a tag"),
            ("nothing", "no branch and no tag"),
            ("refs/heads/nothing", "no branch and no tag"),
            ("v9.*", "no tag that matches"),
            ("HEAD", "no branch and no tag"),
        ],
    )
    def test_or_says_why_not(self, rule, words):
        with pytest.raises(LookupError, match=words):
            chosen_ref(rule, REFS)

    def test_a_tag_with_a_name_that_nobody_would_write_is_never_the_newest(self):
        refs = REFS | {"refs/tags/v9.9 --upload-pack=x": "b" * 40, "refs/tags/v" + "9" * 5000: "b" * 40}
        assert chosen_ref("v*", refs) == "refs/tags/v2.0"


class TestVersionKey:
    def test_orders_as_versions_do(self):
        wanted = ["1.2-alpha", "1.2-beta2", "1.2-rc1", "1.2-rc10", "1.2", "1.2-20260101", "1.2.1", "1.10", "2.0"]
        assert sorted(set(wanted), key=version_key) == wanted


class TestRuleProblem:
    @pytest.mark.parametrize(
        "rule", ["main", "feature/x", "refs/heads/main", "refs/tags/v1", "v1.*", "a" * 40, "b" * 64, "release-[0-9]*"]
    )
    def test_good_ones(self, rule):
        assert rule_problem(rule) is None

    @pytest.mark.parametrize(
        "rule",
        [
            "",
            "x" * 201,
            "-u",
            "--upload-pack=touch /tmp/x",
            "main:main",
            "+main",
            "^main",
            "a..b",
            "main@{1}",
            "refs/pull/7/head",
            "refs/heads/*",
            "refs/heads/../x",
            "main lock",
            "x.lock",
            "x/.hidden",
            "main\n",
            "//",
            "v1.* --exec=x",
            "~",
        ],
    )
    def test_bad_ones(self, rule):
        problem = rule_problem(rule)
        assert problem is not None
        assert problem.pointer == "/ref_rule"

    def test_how_a_rule_is_read(self):
        assert kind_of("a" * 40) is RefKind.COMMIT
        assert kind_of("a" * 39) is RefKind.NAME
        assert kind_of("refs/heads/main") is RefKind.FULL
        assert kind_of("v*") is RefKind.PATTERN
