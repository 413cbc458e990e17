import pytest

from audit.models import Record
from builds.domain.layer_files import Kind
from builds.models import Inspection
from builds.selectors.inspections import files_of, inspection_of
from builds.services.inspections import inspect_artifact
from tests.factories.registry import artifact_row, import_image

pytestmark = pytest.mark.django_db


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

    def test_an_image_without_layers_fails_with_the_cure(self, now):
        (inspection,) = inspect_artifact(artifact_row().pk, now=now)
        assert inspection.state == Inspection.State.FAILED
        assert "Import it" in inspection.failure

    def test_says_in_the_record_what_came_of_it(self, now):
        image = import_image("debian-12-old")
        inspect_artifact(image.pk, now=now)
        record = Record.objects.get(verb="artifact.inspected")
        assert record.subject_id == str(image.pk)
        assert record.data["inspected"] == 1
        assert inspection_of(image).checks.filter(rule="GG2001").exists()
