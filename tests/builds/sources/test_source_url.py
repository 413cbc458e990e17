import pytest

from builds.domain.source_url import Transport, is_listed, parse_url, relative_problem


class TestParseUrl:
    @pytest.mark.parametrize(
        ("text", "transport", "given"),
        [
            ("https://git.example/base.git", Transport.HTTPS, "https://git.example:443/base.git"),
            ("https://git.example:8443/team/base", Transport.HTTPS, "https://git.example:8443/team/base"),
            ("ssh://git@git.example/team/base.git", Transport.SSH, "ssh://git@git.example:22/team/base.git"),
            ("ssh://git.example:2222/~team/base", Transport.SSH, "ssh://git.example:2222/~team/base"),
            ("/srv/git/base.git", Transport.LOCAL, "file:///srv/git/base.git"),
        ],
    )
    def test_what_git_is_given_is_made_from_the_parts(self, text, transport, given):
        url = parse_url(text)
        assert url.transport is transport
        assert url.text == given

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "x" * 1001,
            "-u",
            "--upload-pack=touch /tmp/x",
            "ext::sh -c touch% /tmp/x",
            "fd::17",
            "http://git.example/base.git",
            "git://git.example/base.git",
            "file:///srv/git/base.git",
            "ftp://git.example/base.git",
            "git@git.example:team/base.git",
            "HTTPS://git.example/base.git",
            "https:/git.example/base.git",
            "https://me@git.example/base.git",
            "https://me:secret@git.example/base.git",
            "ssh://git:secret@git.example/base.git",
            "ssh://-oProxyCommand=touch/base.git",
            "ssh://git@-oProxyCommand=touch/base.git",
            "ssh://-git@git.example/base.git",
            "https://git.example/base.git?x=1",
            "https://git.example/base.git#x",
            "https://git.example/../base.git",
            "https://git.example/base git",
            "https://git.example/base\ngit",
            "https://git.example:0/base.git",
            "https://git.example:99999/base.git",
            "https://git_example/base.git",
            "https://[::1]/base.git",
            "https://git.example",
            "https://git.example/",
            "srv/git/base.git",
            "./base.git",
            "~/base.git",
            "/srv/git/../base.git",
            "/srv//git",
            "/srv/git/",
            '/srv/git"/base.git',
            "/srv/git\n/base.git",
            "\\\\host\\share",
        ],
    )
    def test_what_is_refused(self, text):
        with pytest.raises(ValueError, match=r"\w"):
            parse_url(text)

    def test_addresses_that_are_numbers_are_hosts_like_others(self):
        """Whether they may be reached is asked when the name was looked up."""
        assert parse_url("https://169.254.169.254/base.git").host == "169.254.169.254"


class TestIsListed:
    def test_host_and_port_exactly(self):
        listed = ["git.example", "other.example:8443"]
        assert is_listed("git.example:443", listed, default_port=443)
        assert is_listed("GIT.example:443", listed, default_port=443)
        assert is_listed("other.example:8443", listed, default_port=443)
        assert not is_listed("git.example:8443", listed, default_port=443)
        assert not is_listed("other.example:443", listed, default_port=443)
        assert not is_listed("sub.git.example:443", listed, default_port=443)
        assert not is_listed("git.example.evil:443", listed, default_port=443)


class TestRelativeProblem:
    @pytest.mark.parametrize("path", ["images/base", "Dockerfile", "a/b/Dockerfile.prod", "with space"])
    def test_good_ones(self, path):
        assert relative_problem(path, pointer="/directory", may_be_empty=False) is None

    @pytest.mark.parametrize(
        "path",
        ["", "/etc", "..", "a/../b", "./a", "a//b", "a/", "-x", ".git/config", "a/.GIT", "a\nb", "a\\b", "x" * 501],
    )
    def test_bad_ones(self, path):
        problem = relative_problem(path, pointer="/dockerfile", may_be_empty=False)
        assert problem is not None
        assert problem.pointer == "/dockerfile"

    def test_the_whole_tree(self):
        assert relative_problem("", pointer="/directory", may_be_empty=True) is None
