"""Keys change: only along the chain of roots, each signed by the one before."""

import pytest
from securesystemslib.signer import CryptoSigner

from gate.fetcher import ASK_ROOT_EVERY
from gate.tuf import UntrustedSnapshot


def fetch_with_roots(scene) -> bool:
    """A fetch that asks for new roots, as every sixtieth does."""
    fetcher = scene.restarted()
    assert ASK_ROOT_EVERY > 1
    return fetcher.fetch()


class TestRotation:
    @pytest.mark.parametrize("roles", [("timestamp",), ("timestamp", "snapshot", "targets"), ("root",)])
    def test_new_keys_are_taken_along_the_chain(self, scene, roles):
        scene.repository.rotate_root(*roles)
        scene.repository.publish()
        assert fetch_with_roots(scene)
        assert scene.in_force() == 3

    def test_a_chain_of_several_roots_is_walked(self, scene):
        for _ in range(5):
            scene.repository.rotate_root("root", "timestamp")
        scene.repository.publish()
        assert fetch_with_roots(scene)
        assert scene.in_force() == 3

    def test_a_revoked_timestamp_key_signs_nothing_more(self, scene):
        old = scene.repository.signers["timestamp"]
        scene.repository.rotate_root("timestamp")
        scene.repository.publish()
        assert fetch_with_roots(scene)
        scene.repository.publish()
        scene.repository.sign_timestamp(signers={"timestamp": old})
        with pytest.raises(UntrustedSnapshot):
            scene.restarted().fetch()
        assert scene.in_force() == 3

    def test_after_a_rotation_the_running_fetcher_finds_the_root_by_itself(self, scene):
        scene.repository.rotate_root("timestamp")
        scene.repository.publish()
        with pytest.raises(UntrustedSnapshot):
            scene.fetcher.fetch()
        scene.fetcher.last_error = "as run() keeps it"
        assert scene.fetcher.fetch()
        assert scene.in_force() == 3


class TestForeignRoots:
    def test_a_root_not_signed_by_the_one_before_is_refused(self, scene):
        scene.repository.rotate_root("timestamp", signers=[CryptoSigner.generate_ed25519()])
        scene.repository.publish()
        with pytest.raises(UntrustedSnapshot):
            fetch_with_roots(scene)
        assert scene.in_force() == 2

    def test_a_root_that_does_not_sign_itself_is_refused(self, scene):
        old = scene.repository.signers["root"]
        scene.repository.rotate_root("root", signers=[old])
        scene.repository.publish()
        with pytest.raises(UntrustedSnapshot):
            fetch_with_roots(scene)
        assert scene.in_force() == 2

    def test_a_root_that_skips_a_number_is_refused(self, scene):
        scene.repository.rotate_root("timestamp", version=7)
        path = scene.repository.metadata("7.root.json")
        path.rename(scene.repository.metadata("2.root.json"))
        scene.repository.publish()
        with pytest.raises(UntrustedSnapshot):
            fetch_with_roots(scene)
        assert scene.in_force() == 2
