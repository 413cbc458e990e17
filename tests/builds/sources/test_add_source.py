from dataclasses import fields, replace

import pytest
from django.db import IntegrityError, transaction

from accounts.roles import Role
from audit.models import Record
from builds.errors import SourceInvalid, SourceTaken
from builds.models import Source
from builds.services.sources import SourceFields, add_source, ask_fetch, change_source
from jobs.models import Job
from registry.models import Repository
from tests.factories.accounts import PersonFactory, person_with
from tests.factories.catalog import VersionFactory, certified_side
from tests.jobs.support import run_due_jobs

pytestmark = pytest.mark.django_db
ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMJ1vp0dVb8GAtc7EgVPpMqA1S1GdfPYD9+vIYJ3xnVJ"
GPG = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nx\n-----END PGP PUBLIC KEY BLOCK-----\n"


@pytest.fixture
def wanted(now, settings):
    """The fields of a good source."""
    settings.GOLDGATE_SOURCE_DIRECTORIES = "/srv/git, /srv/other"
    settings.GOLDGATE_SOURCE_HOSTS = "git.example, git.example:2222"
    return SourceFields(
        name="debian base",
        version=VersionFactory(now),
        url="/srv/git/base.git",
        ref_rule="main",
        owner=person_with(Role.PLATFORM_ADMIN),
    )


def add(wanted, now, **changes):
    return add_source(wanted=replace(wanted, **changes), created_by=person_with(Role.PLATFORM_ADMIN), now=now)


class TestAddSource:
    def test_writes_it_down_and_says_so(self, now, wanted):
        made = add(wanted, now, arguments={"MIRROR": "https://mirror.example"}, allowed_hosts=["mirror.example:8080"],
                   network="listed", platforms=["linux/amd64", "linux/arm64/v8"][:1])  # fmt: skip
        row = Source.objects.get()
        assert row == made
        assert row.arguments == {"MIRROR": "https://mirror.example"}
        assert (row.owner, row.created_at, row.dockerfile) == (wanted.owner, now, "Dockerfile")
        told = Record.objects.get(verb="source.added")
        assert told.data["url"] == "/srv/git/base.git"

    @pytest.mark.parametrize(
        "url", ["https://git.example/base.git", "/srv/other/deep/er.git", "ssh://git@git.example:2222/base.git"]
    )
    def test_places_that_are_listed(self, now, wanted, url):
        assert add(wanted, now, url=url, known_hosts=f"[git.example]:2222 {ED25519}\n").url == url

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            pytest.param({"name": ""}, "/name", id="no-name"),
            pytest.param({"name": "-x"}, "/name", id="name-like-an-option"),
            pytest.param({"name": "x\x00"}, "/name", id="nul-in-the-name"),
            pytest.param({"url": "ext::sh -c id"}, "/url", id="transport-that-runs-programs"),
            pytest.param({"url": "--upload-pack=id"}, "/url", id="address-like-an-option"),
            pytest.param({"url": "https://me:secret@git.example/x"}, "/url", id="password"),
            pytest.param({"url": "https://other.example/x"}, "/url", id="host-not-listed"),
            pytest.param({"url": "https://git.example:8443/x"}, "/url", id="port-not-listed"),
            pytest.param({"url": "/etc/git"}, "/url", id="directory-not-listed"),
            pytest.param({"url": "/srv/git"}, "/url", id="the-listed-directory-itself"),
            pytest.param({"url": "/srv/gitother/x"}, "/url", id="neighbour-of-a-listed-directory"),
            pytest.param({"url": "ssh://git.example:2222/x"}, "/known_hosts", id="ssh-to-whoever-answers"),
            pytest.param({"known_hosts": "*.example ssh-ed25519 AAAA"}, "/known_hosts", id="host-keys-of-anybody"),
            pytest.param({"ref_rule": "--exec=id"}, "/ref_rule", id="ref-like-an-option"),
            pytest.param({"ref_rule": "main..other"}, "/ref_rule", id="ref-that-is-none"),
            pytest.param({"directory": "../x"}, "/directory", id="directory-outside"),
            pytest.param({"directory": "/x"}, "/directory", id="directory-absolute"),
            pytest.param({"dockerfile": "../Dockerfile"}, "/dockerfile", id="dockerfile-outside"),
            pytest.param({"dockerfile": ""}, "/dockerfile", id="no-dockerfile"),
            pytest.param({"arguments": {"A B": "x"}}, "/arguments/A B", id="argument-name"),
            pytest.param({"arguments": {"a/b": "x"}}, "/arguments/a~1b", id="argument-name-escaped"),
            pytest.param({"arguments": {"A": 1}}, "/arguments/A", id="argument-no-text"),
            pytest.param({"arguments": {"A": "x\0"}}, "/arguments/A", id="argument-with-nul"),
            pytest.param({"arguments": {"BUILDKIT_SYNTAX": "evil"}}, "/arguments/BUILDKIT_SYNTAX", id="frontend"),
            pytest.param({"arguments": {"ld_preload": "x"}}, "/arguments/ld_preload", id="loader"),
            pytest.param({"arguments": []}, "/arguments", id="arguments-no-object"),
            pytest.param({"arguments": {f"A{n}": "" for n in range(101)}}, "/arguments", id="too-many-arguments"),
            pytest.param({"target": "a b"}, "/target", id="target"),
            pytest.param({"platforms": []}, "/platforms", id="no-platform"),
            pytest.param({"platforms": ["linux/amd64"] * 2}, "/platforms", id="platform-twice"),
            pytest.param({"platforms": ["plan9/amd64"]}, "/platforms/0", id="platform-unknown"),
            pytest.param({"platforms": ["linux/amd64", "linux/arm64/v8"]}, "/platforms/1", id="other-spelling"),
            pytest.param({"platforms": ["linux/amd64", "arm64"]}, "/platforms/1", id="platform-malformed"),
            pytest.param({"network": "listed"}, "/allowed_hosts", id="no-hosts"),
            pytest.param({"network": "listed", "allowed_hosts": ["*"]}, "/allowed_hosts/0", id="any-host"),
            pytest.param({"network": "listed", "allowed_hosts": ["a b"]}, "/allowed_hosts/0", id="host-malformed"),
            pytest.param({"allowed_hosts": ["a.example"]}, "/network", id="hosts-without-a-network"),
            pytest.param({"is_signature_required": True}, "/is_signature_required", id="signed-by-nobody"),
            pytest.param({"allowed_signers": "* " + ED25519}, "/allowed_signers", id="anybody-signs"),
            pytest.param({"allowed_signers": "a@x cert-authority " + ED25519}, "/allowed_signers", id="authority"),
            pytest.param({"allowed_signers": "a@x ssh-ed25519 AAAA"}, "/allowed_signers", id="no-key"),
            pytest.param({"allowed_signers": "a@x ssh-rsa " + ED25519.split()[1]}, "/allowed_signers", id="other-key"),
            pytest.param({"allowed_signers": "a@x"}, "/allowed_signers", id="key-missing"),
            pytest.param({"gpg_keys": "x"}, "/gpg_keys", id="no-armour"),
            pytest.param({"gpg_keys": GPG.replace("PUBLIC", "PRIVATE")}, "/gpg_keys", id="private-key"),
            pytest.param({"renew_every_days": 0}, "/renew_every_days", id="renewed-all-the-time"),
        ],
    )  # fmt: skip
    def test_each_wrong_field_is_named_with_its_cure(self, now, wanted, change, pointer):
        with pytest.raises(SourceInvalid) as refused:
            add(wanted, now, **change)
        assert pointer in [error.pointer for error in refused.value.errors]
        assert all(error.detail for error in refused.value.errors)
        assert not Source.objects.exists()
        assert not Record.objects.filter(verb="source.added").exists()

    def test_a_link_out_of_a_listed_directory(self, now, wanted, tmp_path, settings):
        (tmp_path / "listed").mkdir()
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "listed" / "base.git").symlink_to(tmp_path / "elsewhere")
        settings.GOLDGATE_SOURCE_DIRECTORIES = str(tmp_path / "listed")
        with pytest.raises(SourceInvalid, match="GOLDGATE_SOURCE_DIRECTORIES"):
            add(wanted, now, url=str(tmp_path / "listed" / "base.git"))

    def test_owners_and_repositories_that_cannot_be(self, now, wanted):
        certified = certified_side(now)
        place = Repository.objects.create(registry=certified, path="base", created_at=now)
        with pytest.raises(SourceInvalid, match="source side") as refused:
            add(wanted, now, candidate_repository=place, owner=PersonFactory(is_active=False))
        assert [error.pointer for error in refused.value.errors] == ["/candidate_repository", "/owner"]

    def test_good_signers_are_taken_as_they_were_written(self, now, wanted):
        signers = f'# ours\na@x.example,b@x.example namespaces="git" {ED25519} a comment\n'
        made = add(wanted, now, is_signature_required=True, allowed_signers=signers, gpg_keys=GPG)
        assert made.allowed_signers == signers

    def test_one_name_and_one_source_a_version(self, now, wanted):
        add(wanted, now)
        with pytest.raises(SourceTaken, match="name"):
            add(wanted, now, version=VersionFactory(now))
        with pytest.raises(SourceTaken, match="version"):
            add(wanted, now, name="another")
        assert add(wanted, now, name="another", is_paused=True)


class TestTheDatabase:
    @pytest.mark.parametrize(
        ("values", "name"),
        [
            ({"builder": "make"}, "source_builder_known"),
            ({"network": "host"}, "source_network_known"),
            ({"is_signature_required": True}, "source_signature_by_somebody"),
            ({"renew_every_days": 0}, "source_renewal_days"),
        ],
    )
    def test_refuses_too(self, now, wanted, values, name):
        made = add(wanted, now)
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            Source.objects.filter(pk=made.pk).update(**values)


class TestChangeSource:
    def test_names_what_changed_and_keeps_the_version(self, now, wanted):
        made = add(wanted, now)
        other = replace(wanted, ref_rule="v1.*", version=VersionFactory(now), is_paused=True)
        changed = change_source(source=made, wanted=other, actor=wanted.owner.as_actor(), now=now)
        assert (changed.ref_rule, changed.is_paused, changed.version) == ("v1.*", True, wanted.version)
        assert Record.objects.get(verb="source.changed").data["changed"] == ["is_paused", "ref_rule"]

    def test_nothing_changed_is_no_deed(self, now, wanted):
        made = add(wanted, now)
        stored = SourceFields(**{one.name: getattr(made, one.name) for one in fields(SourceFields)})
        change_source(source=made, wanted=stored, actor=wanted.owner.as_actor(), now=now)
        assert not Record.objects.filter(verb="source.changed").exists()

    def test_a_wrong_change_changes_nothing(self, now, wanted):
        made = add(wanted, now)
        with pytest.raises(SourceInvalid):
            change_source(source=made, wanted=replace(wanted, url="/etc"), actor=wanted.owner.as_actor(), now=now)
        assert Source.objects.get().url == wanted.url


class TestAskFetch:
    def test_starts_one_job_however_often_it_is_asked(self, now, source):
        for _ in range(3):
            ask_fetch(source=source, actor=source.owner.as_actor(), now=now)
        assert Job.objects.filter(kind="builds.fetch").count() == 1
        run_due_jobs()
        source.refresh_from_db()
        assert source.recipes.count() == 1
        assert source.last_failure == ""

    def test_what_a_person_must_change_is_said_on_the_source(self, now, source, repository):
        repository.commit({"README": "no Dockerfile here\n"})
        ask_fetch(source=source, actor=source.owner.as_actor(), now=now)
        run_due_jobs()
        source.refresh_from_db()
        assert source.last_failure == ("The commit holds no Dockerfile. Change the source's directory or Dockerfile.")
        assert Record.objects.get(verb="source.fetch_failed").data["failure"] == source.last_failure
        assert Job.objects.get(kind="builds.fetch").state == "failed"

    def test_a_place_that_is_listed_no_more_is_not_fetched_from(self, now, source, settings):
        settings.GOLDGATE_SOURCE_DIRECTORIES = ""
        ask_fetch(source=source, actor=source.owner.as_actor(), now=now)
        run_due_jobs()
        source.refresh_from_db()
        assert "GOLDGATE_SOURCE_DIRECTORIES" in source.last_failure
