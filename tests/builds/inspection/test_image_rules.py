"""Each rule: what it names, how much that weighs, and what it leaves alone."""

from dataclasses import replace

import pytest

from builds.domain.configuration import RunConfiguration
from builds.domain.image_rules import RULES, Examination, ImageCheck, Severity
from builds.domain.image_rules.checking import MAX_RESULTS_A_RULE, Secret, Surroundings
from builds.domain.layer_files import FileEntry, Kind
from builds.domain.layer_files.entries import Magic

USER = RunConfiguration(user="65532")
NOBODY_KNOWS = Surroundings(USER)


def file(path: str, mode: int = 0o644, **fields) -> FileEntry:
    return FileEntry(path=path, kind=fields.pop("kind", Kind.FILE), mode=mode, size=fields.pop("size", 1), **fields)


def directory(path: str, mode: int = 0o755) -> FileEntry:
    return FileEntry(path=path, kind=Kind.DIRECTORY, mode=mode)


def found(*files: FileEntry, around: Surroundings = NOBODY_KNOWS, secrets: tuple[Secret, ...] = ()) -> list[ImageCheck]:
    examination = Examination(around)
    for one in files:
        examination.see(one)
    return examination.checks(secrets)


def in_short(*files: FileEntry, **given) -> list[tuple[str, str]]:
    return [(one.rule, one.severity.value) for one in found(*files, **given)]


class TestFiles:
    @pytest.mark.parametrize(
        ("entry", "result"),
        [
            pytest.param(file("usr/bin/su", 0o4755), [("GG2001", "note")], id="set-uid of the system's own"),
            pytest.param(file("bin/su", 0o4755), [("GG2001", "note")], id="the same where /usr is not merged"),
            pytest.param(file("opt/su", 0o4755), [("GG2001", "warning")], id="set-uid of nobody knows whom"),
            pytest.param(file("usr/bin/wall", 0o2755), [("GG2001", "note")], id="set-gid"),
            pytest.param(file("data/x", 0o4644), [], id="set-uid that nobody may start"),
            pytest.param(file("etc/app.conf", 0o666), [("GG2002", "error")], id="everybody may write below etc"),
            pytest.param(file("usr/local/bin/x", 0o777), [("GG2002", "error")], id="everybody may write a program"),
            pytest.param(file("srv/data", 0o666), [("GG2002", "warning")], id="everybody may write data"),
            pytest.param(directory("etc", 0o777), [("GG2003", "error")], id="everybody may write etc itself"),
            pytest.param(directory("srv", 0o777), [("GG2003", "warning")], id="everybody may write a directory"),
            pytest.param(directory("tmp", 0o1777), [], id="but the sticky bit holds"),
            pytest.param(file("usr/bin/link", 0o777, kind=Kind.LINK), [], id="links have no mode"),
            pytest.param(file("usr/bin/ping2", 0o755, capabilities="01"), [("GG2007", "warning")], id="capabilities"),
            pytest.param(file("etc/ssh/ssh_host_rsa_key", 0o600), [("GG2008", "error")], id="host key"),
            pytest.param(file("etc/ssh/ssh_host_rsa_key.pub"), [], id="its public half"),
            pytest.param(file("usr/bin/apt", 0o755), [("GG2009", "note")], id="package manager"),
            pytest.param(file("bin/sh", 0o755), [("GG2010", "note")], id="shell"),
            pytest.param(file("bin/sh", kind=Kind.LINK), [("GG2010", "note")], id="shell by a link"),
            pytest.param(file("usr/share/doc/bash", 0o755), [], id="a name elsewhere is no shell"),
            pytest.param(file("usr/bin/python3.11", 0o755), [("GG2011", "note")], id="interpreter with a version"),
            pytest.param(file("usr/bin/gcc", 0o755), [("GG2012", "warning")], id="compiler"),
            pytest.param(file("usr/bin/gcc-12", 0o755), [("GG2012", "warning")], id="compiler with a version"),
            pytest.param(file("var/lib/apt/lists/deb.debian.org_x"), [("GG2018", "warning")], id="package lists"),
            pytest.param(file("var/lib/apt/lists/lock"), [], id="their lock"),
            pytest.param(file("tmp/left"), [("GG2019", "note")], id="left in tmp"),
            pytest.param(file("run/docker.sock"), [("GG2020", "error")], id="engine socket"),
            pytest.param(file("dev/sda", kind=Kind.BLOCK), [("GG2021", "warning")], id="device"),
            pytest.param(file("gpj\u202eexe"), [("GG2022", "warning")], id="name that turns round"),
            pytest.param(file("caf\udce9"), [("GG2022", "warning")], id="name that is no text"),
            pytest.param(file("café"), [], id="name that is text"),
        ],
    )
    def test_one_file(self, entry, result):
        assert in_short(entry) == result

    def test_a_set_uid_program_that_the_base_has_not_is_new(self):
        around = replace(NOBODY_KNOWS, base_setuid=frozenset({"usr/bin/su"}))
        results = found(file("usr/bin/su", 0o4755), file("usr/bin/mount", 0o4755), around=around)
        assert [one.severity for one in results] == [Severity.NOTE, Severity.WARNING]
        assert "new" in results[1].message

    def test_a_compiler_where_things_are_built_is_only_noted(self):
        assert in_short(file("usr/bin/gcc", 0o755), around=replace(NOBODY_KNOWS, is_runtime=False)) == [
            ("GG2012", "note")
        ]

    def test_a_program_that_no_package_explains(self):
        around = replace(NOBODY_KNOWS, owned=frozenset({"usr/bin/ls"}))
        ours = [file("usr/bin/ls", 0o755, magic=Magic.ELF), file("usr/local/bin/agent", 0o755, magic=Magic.ELF)]
        (result,) = found(*ours, around=around)
        assert (result.rule, result.path) == ("GG2013", "usr/local/bin/agent")

    def test_who_owns_what_is_not_guessed(self):
        assert found(file("usr/local/bin/agent", 0o755, magic=Magic.ELF)) == []

    def test_a_large_image(self):
        assert in_short(file("data", size=10), around=replace(NOBODY_KNOWS, large_bytes=9)) == [("GG2014", "warning")]

    def test_of_very_many_some_are_listed_and_all_are_counted(self):
        results = found(*[file(f"etc/{number}", 0o666) for number in range(MAX_RESULTS_A_RULE + 7)])
        assert len(results) == MAX_RESULTS_A_RULE + 1
        assert results[-1].message == "And 7 more like these."
        assert results[-1].severity is Severity.ERROR


class TestSecrets:
    KEY = Secret("root/.ssh/id_rsa", "Private Key", 1, 0, is_certain=True)

    def test_a_secret_by_its_form_is_an_error_with_its_place(self):
        (result,) = found(secrets=(self.KEY,))
        assert (result.rule, result.severity) == ("GG2004", Severity.ERROR)
        assert result.message == "Private Key in /root/.ssh/id_rsa line 1 (layer 1)."

    def test_one_that_a_later_layer_deletes_is_still_one(self):
        (result,) = found(secrets=(replace(self.KEY, is_deleted=True),))
        assert result.severity is Severity.ERROR
        assert "still in the image" in result.message

    def test_a_secret_by_its_name(self):
        assert [one.rule for one in found(secrets=(replace(self.KEY, line=None, kind="SSH private key"),))] == [
            "GG2005"
        ]

    def test_a_word_alone_is_a_warning(self):
        assert in_short(secrets=(replace(self.KEY, is_certain=False),)) == [("GG2006", "warning")]


class TestConfiguration:
    @pytest.mark.parametrize(
        ("run", "result"),
        [
            pytest.param(RunConfiguration(), [("GG2015", "warning")], id="no user is root"),
            pytest.param(RunConfiguration(user="0:0"), [("GG2015", "warning")], id="user 0"),
            pytest.param(RunConfiguration(user="root"), [("GG2015", "warning")], id="user root"),
            pytest.param(RunConfiguration(user="nobody"), [], id="another user"),
            pytest.param(replace(USER, ports=("80/tcp", "8080/tcp")), [("GG2016", "warning")], id="low port"),
            pytest.param(replace(USER, entrypoint=("/bin/sh", "-c", "x")), [("GG2017", "warning")], id="shell form"),
            pytest.param(replace(USER, cmd=("sh", "-c", "x")), [("GG2017", "warning")], id="shell form of CMD"),
            pytest.param(replace(USER, entrypoint=("/app",), cmd=("sh", "-c")), [], id="exec form"),
            pytest.param(replace(USER, volumes=("/var/run/docker.sock",)), [("GG2020", "error")], id="engine volume"),
            pytest.param(replace(USER, env={"DB_PASSWORD": "x"}), [("GG2023", "warning")], id="secret variable"),
            pytest.param(replace(USER, env={"DB_PASSWORD": ""}), [], id="that is empty"),
            pytest.param(replace(USER, env={"DB_PASSWORD_FILE": "/run/x"}), [], id="that names a file"),
            pytest.param(replace(USER, env={"GPG_KEY": "A035"}), [], id="a public key's name"),
        ],
    )
    def test_one_line_of_it(self, run, result):
        assert in_short(around=Surroundings(run)) == result

    def test_a_variable_whose_value_is_a_secret_is_told_once(self):
        secret = Secret("", "AWS Access Key", 1, -1, is_certain=True, variable="AWS_ACCESS_KEY")
        around = Surroundings(replace(USER, env={"AWS_ACCESS_KEY": "AKIA"}))
        (result,) = found(around=around, secrets=(secret,))
        assert (result.rule, result.severity) == ("GG2023", Severity.ERROR)
        assert "AKIA" not in result.message


class TestTheRules:
    def test_ids_are_stable_and_in_order(self):
        assert list(RULES) == [f"GG{number}" for number in range(2001, 2001 + len(RULES))]

    def test_each_says_why_and_what_to_do(self):
        assert all(rule.title and rule.why.endswith(".") and rule.cure.endswith(".") for rule in RULES.values())


class TestProfile:
    def test_says_in_short_what_is_there(self):
        examination = Examination(Surroundings(replace(USER, ports=("80/tcp",))))
        for one in (file("bin/sh", 0o755, size=5), file("usr/bin/perl", 0o755, size=7), file("opt/su", 0o4755, size=0)):
            examination.see(one)
        profile = examination.profile(packages=None)
        assert profile["packages"] is None
        assert (profile["bytes"], profile["files"]) == (12, 3)
        assert (profile["shells"], profile["interpreters"], profile["setuid"]) == (["sh"], ["perl"], ["opt/su"])
        assert (profile["user"], profile["ports"]) == ("65532", ["80/tcp"])
