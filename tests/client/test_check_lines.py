"""What ``goldgate check`` prints of one image's checks, and what a table without rows says."""

from goldgate_cli import output
from goldgate_cli.commands.check import _show


def decision(*checks: tuple[str, str, str, str]) -> dict:
    rows = [dict(zip(("code", "outcome", "reason", "remedy"), one, strict=True)) for one in checks]
    image = {"image": "debian:12", "path": "", "allowed": False, "checks": rows}
    return {"images": [image], "allowed": False, "message": "", "snapshot_version": 1, "policy_version": 1, "url": ""}


def test_checks_that_say_the_same_are_one_line(capsys):
    unsure = "which image is meant is not sure"
    _show(
        decision(
            ("reference", "fail", "It is not written in full.", "Write docker.io/library/debian:12."),
            ("registry", "unknown", unsure, ""),
            ("known", "unknown", unsure, ""),
            ("root", "unknown", "The user is a name.", ""),
        )
    )
    assert capsys.readouterr().out.splitlines() == [
        "DENIED  debian:12",
        "  ✗ fail     reference: It is not written in full.",
        "             Write docker.io/library/debian:12.",
        f"  ? unknown  registry, known: {unsure}",
        "  ? unknown  root: The user is a name.",
    ]


def test_the_same_words_with_another_outcome_stay_apart(capsys):
    _show(decision(("known", "fail", "It is not known.", ""), ("signed", "unknown", "It is not known.", "")))
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()[1:]] == [
        "  ✗ fail     known",
        "  ? unknown  signed",
    ]


def test_an_empty_table_says_so_beside_the_result(capsys):
    output.table(("name",), [])
    told = capsys.readouterr()
    assert (told.out.strip(), told.err.strip()) == ("name", "There is none.")
    output.table(("name",), [("debian",)])
    assert capsys.readouterr().err == ""
