from datetime import timedelta

import pytest

from accounts.roles import Role
from audit.models import Record
from builds.domain.image_rules import RULES_VERSION
from builds.domain.layer_files import Kind
from builds.models import Check, Inspection
from builds.selectors.inspections import files_of, inspection_of
from builds.services.inspections import ask_inspection, ask_outdated, inspect_artifact, inspect_subversion
from jobs.models import Job, Schedule
from registry.blobs import layer_cache
from registry.models import Lineage
from scans.services import inventory_artifact
from tests.builds.inspection.imported import imported
from tests.builds.inspection.layer_bytes import directory, entry, layer
from tests.factories.accounts import person_with
from tests.factories.catalog import IndexFactory, SubversionFactory
from tests.factories.registry import artifact_row, import_image
from tests.jobs.support import run_due_jobs

pytestmark = pytest.mark.django_db
AWS = b"aws_access_key_id = AKIAIOSFODNN7REALKEY\n"


def rules_of(inspection: Inspection) -> set[str]:
    return set(inspection.checks.values_list("rule", flat=True))


class TestInspectArtifact:
    def test_lists_every_file_of_a_real_image(self, now):
        image = import_image("debian-12-old")
        (inspection,) = inspect_artifact(image.pk, now=now)
        files = {entry.path: entry for entry in files_of(inspection)}
        assert inspection.state == Inspection.State.COMPLETE, inspection.failure
        assert inspection.file_count == len(files)
        assert files["etc/passwd"].kind is Kind.FILE
        assert files["usr/bin/su"].mode_text == "4755"
        assert "usr/bin/su" in inspection.profile["setuid"]

    def test_the_list_is_sorted_by_the_components_of_paths(self, now):
        (inspection,) = inspect_artifact(import_image("debian-12-rebuilt").pk, now=now)
        paths = [entry.path.split("/") for entry in files_of(inspection)]
        assert paths == sorted(paths)

    def test_an_image_without_layers_fails_with_the_cure(self, now):
        (inspection,) = inspect_artifact(artifact_row().pk, now=now)
        assert inspection.state == Inspection.State.FAILED
        assert "Import it" in inspection.failure
        assert inspection.checks.count() == 0

    def test_layers_that_are_nowhere_any_more_fail_with_the_cure(self, now):
        image = import_image("debian-12-old")
        layer_cache().discard(image.layer_links.get().layer.digest)
        (inspection,) = inspect_artifact(image.pk, now=now)
        assert inspection.state == Inspection.State.FAILED
        assert "Import the image again" in inspection.failure

    def test_a_hostile_layer_is_never_clean(self, now, tmp_path):
        image = imported(tmp_path, layer(entry("etc/passwd"), entry("../../etc/shadow")))
        (inspection,) = inspect_artifact(image.pk, now=now)
        assert inspection.state == Inspection.State.FAILED
        assert "leads upward" in inspection.failure
        assert (inspection.files_digest, inspection.profile) == ("", {})

    def test_says_in_the_record_what_came_of_it(self, now):
        image = import_image("debian-12-old")
        inspect_artifact(image.pk, now=now)
        record = Record.objects.get(verb="artifact.inspected")
        assert record.subject_id == str(image.pk)
        assert record.data["inspected"] == 1
        assert record.data["notes"] == Check.objects.filter(severity="note").count()

    def test_looks_once_by_the_same_rules(self, now):
        image = import_image("debian-12-old")
        (first,) = inspect_artifact(image.pk, now=now)
        layer_cache().discard(image.layer_links.get().layer.digest)
        (second,) = inspect_artifact(image.pk, now=now)
        assert (second.pk, second.state) == (first.pk, Inspection.State.COMPLETE)

    def test_looks_again_by_newer_rules_and_after_a_failure(self, now):
        image = import_image("debian-12-old")
        inspect_artifact(image.pk, now=now)
        Inspection.objects.update(rules_version=RULES_VERSION - 1)
        layer_cache().discard(image.layer_links.get().layer.digest)
        (failed,) = inspect_artifact(image.pk, now=now)
        assert failed.state == Inspection.State.FAILED
        assert failed.checks.count() == 0
        import_image("debian-12-old")
        (again,) = inspect_artifact(image.pk, now=now)
        assert again.state == Inspection.State.COMPLETE

    def test_every_runnable_image_of_an_index(self, now):
        old, new = import_image("debian-12-old"), import_image("debian-12-new")
        found = inspect_artifact(IndexFactory(now, old, new, artifact_row()).pk, now=now)
        assert [one.state for one in found] == ["complete", "complete", "failed"]
        assert Record.objects.get(verb="artifact.inspected").data["inspected"] == 2

    def test_secrets_are_seen_in_layers_and_environment_and_shown_nowhere(self, now, tmp_path):
        lower = layer(directory("app"), entry("app/settings.ini", AWS), entry("app/.env", b"X=1"))
        upper = layer(entry("app/.wh.settings.ini"))
        image = imported(tmp_path, lower, upper, config={"User": "1", "Env": ["KEY=AKIAIOSFODNN7REALKEY", "A=b"]})
        (inspection,) = inspect_artifact(image.pk, now=now)
        rows = {one.rule: one for one in inspection.checks.filter(severity="error")}
        assert set(rows) == {"GG2004", "GG2005", "GG2023"}
        assert rows["GG2004"].path == "app/settings.ini"
        assert "deleted later" in rows["GG2004"].message
        assert "deleted" not in rows["GG2005"].message
        assert "the variable KEY" in rows["GG2023"].message
        stored = [inspection.profile, *(one.message + one.path + one.remedy for one in inspection.checks.all())]
        assert "AKIA" not in str(stored)

    def test_a_set_uid_program_that_its_base_has_not_is_new(self, now, tmp_path):
        lower = layer(entry("usr/bin/su", b"1", mode=0o4755))
        base = imported(tmp_path, lower)
        image = imported(tmp_path, lower, layer(entry("usr/bin/mount", b"2", mode=0o4755)))
        assert Lineage.objects.filter(artifact=image, ancestor=base, is_nearest=True).exists()
        inspect_artifact(base.pk, now=now)
        (inspection,) = inspect_artifact(image.pk, now=now)
        new = inspection.checks.get(rule="GG2001", severity="warning")
        assert new.path == "usr/bin/mount"

    def test_programs_that_no_package_explains_are_known_from_the_inventory(self, now, tmp_path):
        image = import_image("debian-12-old")
        inventory_artifact(artifact=image, now=now)
        (inspection,) = inspect_artifact(image.pk, now=now)
        assert inspection.profile["packages"] > 60
        assert "GG2013" not in rules_of(inspection)

    def test_names_that_no_database_can_hold_are_stored_as_they_show(self, now, tmp_path):
        image = imported(tmp_path, layer(entry(b"usr/bin/\xff\x01su", b"x", mode=0o4755)))
        (inspection,) = inspect_artifact(image.pk, now=now)
        assert inspection.checks.get(rule="GG2001").path == "usr/bin/\\xff\\x01su"
        assert "usr/bin/\udcff\x01su" in {one.path for one in files_of(inspection)}


class TestLookingAgain:
    def test_by_newer_rules(self, now):
        inspect_artifact(import_image("debian-12-old").pk, now=now)
        assert ask_outdated(now=now) == 0
        Inspection.objects.update(rules_version=RULES_VERSION - 1)
        assert ask_outdated(now=now) == 1
        run_due_jobs()
        assert Inspection.objects.get().rules_version == RULES_VERSION

    def test_when_an_inventory_came_that_says_what_packages_own(self, now):
        image = import_image("debian-12-old")
        (first,) = inspect_artifact(image.pk, now=now)
        assert first.profile["is_ownership_known"] is False
        inventory_artifact(artifact=image, now=now + timedelta(hours=1))
        assert ask_outdated(now=now + timedelta(hours=2)) == 1
        run_due_jobs(now + timedelta(hours=2))
        assert Inspection.objects.get().profile["is_ownership_known"] is True
        assert ask_outdated(now=now + timedelta(hours=3)) == 0

    def test_is_scheduled(self, now):
        inspect_artifact(import_image("debian-12-old").pk, now=now)
        assert Schedule.objects.get(kind="builds.inspect_outdated").timer.crontab.hour == "3"


class TestJobs:
    def test_a_new_subversion_is_looked_into(self, now):
        image = import_image("debian-12-old")
        SubversionFactory(now, artifact=image)
        run_due_jobs()
        assert inspection_of(image).state == Inspection.State.COMPLETE

    def test_of_a_subversion_its_images(self, now):
        subversion = SubversionFactory(now, artifact=import_image("debian-12-old"))
        assert len(inspect_subversion(subversion.pk, now=now)) == 1

    def test_anybody_who_may_can_ask(self, now):
        image = import_image("debian-12-old")
        ask_inspection(artifact=image, actor=person_with(Role.REQUESTER).as_actor(), now=now)
        run_due_jobs()
        assert inspection_of(image).state == Inspection.State.COMPLETE

    def test_a_failed_inspection_is_no_failed_job(self, now):
        SubversionFactory(now)
        run_due_jobs()
        assert {one.state for one in Job.objects.filter(kind="builds.inspect_subversion")} == {"succeeded"}
        assert Inspection.objects.get().state == Inspection.State.FAILED
