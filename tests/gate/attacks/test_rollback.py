"""Old, properly signed metadata served again: nothing a gate has seen comes back."""

import shutil

from tuf.api.metadata import Snapshot

from core.errors import GoldgateError
from gate.tuf import UntrustedSnapshot
from tests.gate.support import meta_file


class TestRollback:
    def test_an_older_timestamp_is_refused(self, scene):
        scene.repository.sign_timestamp(version=1)
        scene.refuses(UntrustedSnapshot)

    def test_a_newer_timestamp_that_names_an_older_snapshot_is_refused(self, scene):
        scene.repository.version = 1
        scene.repository.sign_timestamp(version=99)
        scene.refuses(UntrustedSnapshot)

    def test_a_newer_snapshot_that_names_older_targets_is_refused(self, scene):

        repository = scene.repository
        old = repository.metadata("1.targets.json").read_bytes()
        meta = {"targets.json": meta_file(1, old)}
        expires = repository.root.expires
        body = repository._write(
            "snapshot", "3.snapshot.json", Snapshot(version=3, expires=expires, meta=meta), repository.signers
        )
        repository.sign_timestamp(meta_file(3, body))
        scene.refuses(UntrustedSnapshot)

    def test_metadata_that_grows_around_an_older_overlay_is_refused(self, scene):
        """A publisher restored from a backup signs its old content under new numbers."""
        repository = scene.repository
        repository.publish(version=3)
        names = {name: file for name, file in repository._files.items() if not name.startswith("overlay")}
        repository.publish(version=1)
        old = {name: file for name, file in repository._files.items() if name.startswith("overlay")}
        repository.version = 3
        repository.sign(targets={**names, **old})
        scene.refuses(GoldgateError)

    def test_a_whole_older_publication_under_new_numbers_is_refused(self, scene):
        repository = scene.repository
        repository.publish(version=1)
        repository.version = 3
        repository.sign()
        scene.refuses(UntrustedSnapshot)

    def test_removing_what_the_gate_held_does_not_bring_an_older_version_back(self, scene):
        """The highest version that was in force is kept beside the chain."""
        shutil.rmtree(scene.home.path / "metadata")
        scene.home.make_directories()
        repository = scene.repository
        repository.publish(version=1)
        for fetcher in (scene.restarted(), scene.restarted()):
            try:
                fetcher.fetch()
            except UntrustedSnapshot:
                continue
            raise AssertionError("an older version was put in force")
        assert scene.in_force() == 0
