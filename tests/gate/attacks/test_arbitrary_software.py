"""Files that nobody vouches for: foreign keys, other bytes, other files."""

import pytest
from securesystemslib.signer import CryptoSigner

from gate.tuf import UntrustedSnapshot
from tests.gate.support import ROLES, Repository, make_home


class TestForeignKey:
    @pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets"])
    def test_metadata_signed_by_another_key_is_refused(self, scene, role):
        scene.repository.version += 1
        scene.repository.publish(version=scene.repository.version)
        scene.repository.sign(signers={role: CryptoSigner.generate_ed25519()})
        scene.refuses(UntrustedSnapshot)

    @pytest.mark.parametrize(("role", "key_of"), [("timestamp", "targets"), ("snapshot", "timestamp")])
    def test_a_key_of_another_role_does_not_count(self, scene, role, key_of):
        scene.repository.publish()
        scene.repository.sign(signers={role: scene.repository.signers[key_of]})
        scene.refuses(UntrustedSnapshot)

    def test_a_gate_that_trusts_another_root_takes_nothing(self, scene, tmp_path):
        other = Repository(tmp_path / "other")
        make_home(scene.home.path, other)
        with pytest.raises(UntrustedSnapshot):
            scene.restarted().fetch()
        assert scene.in_force() == 0


class TestOtherBytes:
    @pytest.mark.parametrize("name", ["timestamp.json", "3.snapshot.json", "3.targets.json"])
    @pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null", b'{"signed": {}, "signatures": []}', b"\xff"])
    def test_metadata_that_is_none_is_refused(self, scene, name, body):
        scene.repository.publish()
        scene.repository.metadata(name).write_bytes(body)
        scene.refuses(UntrustedSnapshot)

    @pytest.mark.parametrize("index", [0, 1, 2])
    def test_a_target_with_a_flipped_byte_is_refused(self, scene, index):
        scene.repository.publish()
        files = sorted((scene.repository.directory / "targets").glob("*-3*"))
        assert len(files) == 3
        body = bytearray(files[index].read_bytes())
        body[-1] ^= 1
        files[index].write_bytes(body)
        scene.refuses(UntrustedSnapshot)

    def test_targets_that_list_something_else_are_refused(self, scene):
        scene.repository.publish()
        files = dict(scene.repository._files)
        files["extra.sh"] = next(iter(files.values()))
        scene.repository.sign(targets=files)
        scene.refuses(UntrustedSnapshot)


def test_every_role_has_a_key_of_its_own(scene):
    assert len({scene.repository.signers[role].public_key.keyid for role in ROLES}) == len(ROLES)
