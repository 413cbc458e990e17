"""Commits that are signed with real keys, by real ssh-keygen and gpg."""

import subprocess
from datetime import timedelta

import pytest

from builds.adapters.git_signatures import split_signature
from builds.errors import CommitUnsigned, SourceRefused
from builds.services.sources import fetch_source
from tests.builds.repositories import Repository
from tests.builds.sources.conftest import FILES
from tests.factories.builds import SourceFactory

pytestmark = pytest.mark.django_db


def run(*command, **more):
    return subprocess.run(command, check=True, capture_output=True, **more).stdout.decode()


@pytest.fixture(scope="module")
def ssh_keys(tmp_path_factory):
    """Two key pairs: name to (private file, public text)."""
    directory = tmp_path_factory.mktemp("ssh")
    found = {}
    for name in ("sid", "mallory"):
        path = directory / name
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(path))
        found[name] = (path, " ".join(path.with_suffix(".pub").read_text().split()[:2]))
    return found


@pytest.fixture(scope="module")
def gpg(tmp_path_factory):
    """A key ring with keys of three people: one of them expired yesterday."""
    home = tmp_path_factory.mktemp("gpg")
    home.chmod(0o700)
    for name, expires in (("gia", "0"), ("mallory", "0"), ("exa", "20251231T000000")):
        command = ["gpg", "--homedir", str(home), "--batch", "--pinentry-mode", "loopback", "--passphrase", ""]
        command += ["--faked-system-time", "20250101T000000!", "--quick-gen-key", f"{name} <{name}@example.com>"]
        run(*command, "ed25519", "sign", expires)
    yield home
    run("gpgconf", "--homedir", str(home), "--kill", "all")


def exported(gpg, name):
    return run("gpg", "--homedir", str(gpg), "--armor", "--export", f"{name}@example.com")


def signed_by_ssh(repository, key, **who):
    flags = (f"-S{key}",)
    repository.git("config", "gpg.format", "ssh")
    return repository.commit_tree(repository.tree(FILES), flags=flags, **who)


def signed_by_gpg(repository, gpg, name):
    """As git does it, with gpg at a time at which the key was good."""
    program = gpg / f"as-{name}"
    program.write_text(f'#!/bin/sh\nexec gpg --homedir {gpg} --batch --faked-system-time 20250601T000000! "$@"\n')
    program.chmod(0o755)
    repository.git("config", "gpg.format", "openpgp")
    repository.git("config", "gpg.program", str(program))
    return repository.commit_tree(repository.tree(FILES), flags=(f"-S{name}@example.com",))


def demanding(now, repository, **fields):
    return SourceFactory(now, url=repository.url, is_signature_required=True, **fields)


class TestSsh:
    def test_by_somebody_who_is_listed(self, now, repository, ssh_keys):
        key, public = ssh_keys["sid"]
        signed_by_ssh(repository, key)
        source = demanding(now, repository, allowed_signers=f"# ours\nsid@example.com {public}\n")
        signature = fetch_source(source.pk, now=now).signature
        assert (signature["state"], signature["kind"], signature["by"]) == ("verified", "ssh", "sid@example.com")
        assert "ED25519" in signature["detail"]

    def test_by_somebody_else(self, now, repository, ssh_keys):
        signed_by_ssh(repository, ssh_keys["mallory"][0])
        source = demanding(now, repository, allowed_signers=f"sid@example.com {ssh_keys['sid'][1]}\n")
        with pytest.raises(CommitUnsigned, match="none of the source's") as refused:
            fetch_source(source.pk, now=now)
        assert "have the key added" in refused.value.cure

    @pytest.mark.parametrize(
        ("options", "is_good"),
        [
            ('valid-before="20261125"', True),
            ('valid-before="20261124"', False),
            ('valid-after="20261123"', True),
            ('valid-after="20261125"', False),
            ('namespaces="git",valid-after="20261101",valid-before="20261201"', True),
        ],
    )
    def test_by_a_key_that_is_good_now_whatever_date_the_commit_gives_itself(
        self, now, repository, ssh_keys, options, is_good
    ):
        key, public = ssh_keys["sid"]
        signed_by_ssh(repository, key, GIT_COMMITTER_DATE="2020-01-01T00:00:00+00:00")
        source = demanding(now, repository, allowed_signers=f"sid@example.com {options} {public}\n")
        if is_good:
            assert fetch_source(source.pk, now=now).signature["state"] == "verified"
        else:
            with pytest.raises(CommitUnsigned):
                fetch_source(source.pk, now=now)

    def test_of_another_commit(self, now, repository, ssh_keys):
        key, public = ssh_keys["sid"]
        commit = signed_by_ssh(repository, key)
        body = subprocess.run(
            ["git", f"--git-dir={repository.path}", "cat-file", "commit", commit], check=True, capture_output=True
        ).stdout
        forged = repository.git(
            "hash-object", "-w", "--stdin", "-t", "commit", stdin=body.replace(b"A change", b"B change")
        )
        repository.git("update-ref", "refs/heads/main", forged)
        source = demanding(now, repository, allowed_signers=f"sid@example.com {public}\n")
        with pytest.raises(CommitUnsigned):
            fetch_source(source.pk, now=now)

    def test_for_another_purpose(self, now, repository, ssh_keys, tmp_path):
        """A signature that the same key made over the same bytes, as a file and not as a commit."""
        key, public = ssh_keys["sid"]
        commit = repository.git("rev-parse", "main")
        body = subprocess.run(
            ["git", f"--git-dir={repository.path}", "cat-file", "commit", commit], check=True, capture_output=True
        ).stdout
        signature = subprocess.run(
            ["ssh-keygen", "-Y", "sign", "-n", "file", "-f", str(key)], input=body, check=True, capture_output=True
        ).stdout
        header = b"gpgsig " + signature.strip().replace(b"\n", b"\n ")
        head, _, message = body.partition(b"\n\n")
        forged = repository.git(
            "hash-object", "-w", "--stdin", "-t", "commit", stdin=head + b"\n" + header + b"\n\n" + message
        )
        repository.git("update-ref", "refs/heads/main", forged)
        source = demanding(now, repository, allowed_signers=f"sid@example.com {public}\n")
        with pytest.raises(CommitUnsigned):
            fetch_source(source.pk, now=now)

    def test_in_a_repository_of_sha256(self, now, below, ssh_keys):
        repository = Repository(below / "sha256.git", object_format="sha256")
        key, public = ssh_keys["sid"]
        signed_by_ssh(repository, key)
        recipe = fetch_source(demanding(now, repository, allowed_signers=f"sid@example.com {public}\n").pk, now=now)
        assert len(recipe.commit) == 64
        assert recipe.signature["state"] == "verified"


class TestGpg:
    def test_by_somebody_who_is_listed(self, now, repository, gpg):
        signed_by_gpg(repository, gpg, "gia")
        source = demanding(now, repository, gpg_keys=exported(gpg, "gia"))
        signature = fetch_source(source.pk, now=now).signature
        assert (signature["state"], signature["kind"]) == ("verified", "gpg")
        assert signature["by"] == "gia <gia@example.com>"
        assert signature["detail"].startswith("Key ")

    @pytest.mark.parametrize(
        ("signer", "listed", "words"),
        [("mallory", "gia", "none of the source's"), ("exa", "exa", "has expired")],
        ids=["somebody-else", "expired-key"],
    )
    def test_by_nobody_who_counts(self, now, repository, gpg, signer, listed, words):
        signed_by_gpg(repository, gpg, signer)
        source = demanding(now, repository, gpg_keys=exported(gpg, listed))
        with pytest.raises(CommitUnsigned, match=words):
            fetch_source(source.pk, now=now)

    def test_keys_that_are_none(self, now, repository, gpg):
        signed_by_gpg(repository, gpg, "gia")
        broken = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----\n"
        with pytest.raises(CommitUnsigned, match="cannot be read"):
            fetch_source(demanding(now, repository, gpg_keys=broken).pk, now=now)


class TestNone:
    def test_is_refused_where_the_source_asks_for_one(self, now, repository, ssh_keys):
        source = demanding(now, repository, allowed_signers=f"sid@example.com {ssh_keys['sid'][1]}\n")
        with pytest.raises(CommitUnsigned, match="The commit is not signed"):
            fetch_source(source.pk, now=now)

    def test_is_told_where_it_does_not(self, now, source, repository, ssh_keys):
        assert fetch_source(source.pk, now=now).signature["state"] == "none"
        signed_by_ssh(repository, ssh_keys["sid"][0])
        repository.commit_tree(repository.tree(FILES | {"x": "x"}), flags=(f"-S{ssh_keys['sid'][0]}",))
        later = fetch_source(source.pk, now=now + timedelta(minutes=1)).signature
        assert (later["state"], later["kind"]) == ("unverified", "ssh")
        assert "lists no signers" in later["detail"]

    def test_of_a_kind_that_is_not_read(self, now, repository):
        header = "gpgsig -----BEGIN SIGNED MESSAGE-----\n AAAA\n -----END SIGNED MESSAGE-----"
        commit = crafted(repository, header)
        repository.git("update-ref", "refs/heads/main", commit)
        source = demanding(now, repository, gpg_keys="x")
        with pytest.raises(CommitUnsigned, match="kind that is not read"):
            fetch_source(source.pk, now=now)

    def test_two_are_one_too_many(self, now, repository, ssh_keys):
        header = "gpgsig A\ngpgsig B"
        repository.git("update-ref", "refs/heads/main", crafted(repository, header))
        source = demanding(now, repository, allowed_signers=f"sid@example.com {ssh_keys['sid'][1]}\n")
        with pytest.raises(SourceRefused):
            fetch_source(source.pk, now=now)


def crafted(repository, header):
    tree = repository.tree(FILES)
    who = "Anna Author <anna@example.com> 1793000000 +0000"
    body = f"tree {tree}\nauthor {who}\ncommitter {who}\n{header}\n\nA change\n"
    return repository.git("hash-object", "-w", "--stdin", "--literally", "-t", "commit", stdin=body.encode())


class TestSplitSignature:
    def test_takes_the_header_out_and_nothing_else(self):
        body = b"tree 1\nauthor a\ngpgsig BEGIN\n one\n \n two\nencoding x\n\ngpgsig not a header\n"
        signature, payload = split_signature(body)
        assert signature == b"BEGIN\none\n\ntwo\n"
        assert payload == b"tree 1\nauthor a\nencoding x\n\ngpgsig not a header\n"

    def test_unsigned(self):
        assert split_signature(b"tree 1\n\nx") == (b"", b"tree 1\n\nx")

    def test_one_of_each_kind_is_two(self):
        with pytest.raises(SourceRefused):
            split_signature(b"gpgsig A\ngpgsig-sha256 B\n\nx")


class TestAKeyOfSeveralNames:
    def test_is_each_of_them(self, now, repository, ssh_keys):
        """Whoever has one of the addresses signed it, and does not review it."""
        key, public = ssh_keys["sid"]
        signed_by_ssh(repository, key)
        signers = f"robot@example.com,sid@example.com {public}\n"
        recipe = fetch_source(demanding(now, repository, allowed_signers=signers).pk, now=now)
        assert recipe.signature["state"] == "verified"
        assert recipe.signature["by"].split() == ["robot@example.com", "sid@example.com"]
