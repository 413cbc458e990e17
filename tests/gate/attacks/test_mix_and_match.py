"""Valid parts of different versions: only what was signed together is taken together."""

from datetime import timedelta

from core.errors import GoldgateError
from gate.tuf import UntrustedSnapshot
from tests.gate.support import meta_file


class TestMixAndMatch:
    def test_a_snapshot_of_another_time_under_the_same_number_is_refused(self, scene):
        repository = scene.repository
        repository.publish()
        first = repository.metadata("3.snapshot.json").read_bytes()
        repository.sign(expires=timedelta(days=6))
        repository.metadata("3.snapshot.json").write_bytes(first)
        scene.refuses(UntrustedSnapshot)

    def test_targets_of_another_version_are_refused(self, scene):
        repository = scene.repository
        repository.publish()
        repository.metadata("3.targets.json").write_bytes(repository.metadata("2.targets.json").read_bytes())
        scene.refuses(UntrustedSnapshot)

    def test_a_named_file_without_its_hash_is_refused(self, scene):
        repository = scene.repository
        repository.publish()
        meta = meta_file(3, repository.metadata("3.snapshot.json").read_bytes())
        meta.hashes = None
        repository.sign_timestamp(meta)
        scene.refuses(UntrustedSnapshot)

    def test_an_overlay_for_another_base_is_refused(self, scene):
        repository = scene.repository
        repository.publish(base_version=77)
        scene.refuses(GoldgateError)
