"""From rows to a verdict: what approvals, scans and signing left, published, answered by the engine."""

from datetime import timedelta

import pytest

from admission import services
from admission.manifests import documents_of, uses_in, uses_of
from admission.models import AdmittedDigest, Cluster
from catalog.models import Subversion
from registry.models import Registry, Repository
from registry.services.records import record_place
from signing import services as signing_services
from tests.factories.admission import ACTOR, certified_subversion, enrolled_gate, revoke
from tests.factories.approvals import known
from tests.factories.authority import begin_certified
from tests.factories.signing import Images, known_artifact, signing_key

pytestmark = pytest.mark.django_db
NAME = "registry.example/golden/debian"


def pod(*images: str, user: int | None = 65532) -> str:
    security = f"  securityContext: {{runAsUser: {user}}}\n" if user is not None else ""
    lines = "".join(f"  - {{name: c{number}, image: '{image}'}}\n" for number, image in enumerate(images))
    return f"kind: Pod\nmetadata: {{name: web, namespace: shop}}\nspec:\n{security}  containers:\n{lines}"


def sign(artifact, golden, signer, now):
    publication = begin_certified(artifact, golden, now)
    signing_services.copy_publication(publication_id=publication.pk, progress=lambda **_: None, now=now)
    signing_services.sign_publication(publication_id=publication.pk, signer=signer, now=now)
    signing_services.send_publication(publication_id=publication.pk, progress=lambda **_: None, now=now)
    return publication


@pytest.fixture
def certified(artifact, golden, tmp_path, now):
    """The image, scanned, signed and certified."""
    _, signer = signing_key(tmp_path / "signing", now=now)
    known(artifact, now)
    sign(artifact, golden, signer, now)
    return certified_subversion(artifact, now=now)


@pytest.fixture
def ask(publisher, certified, now):
    def answer(question: str, *, at=now, cluster: Cluster | None = None):
        while publisher.publish_due(now=at):
            pass
        uses = uses_in(documents_of(question)) if "\n" in question else uses_of([question])
        return services.decide_here(uses=uses, cluster=cluster, namespace="shop", user="vera", now=at)

    return answer


@pytest.fixture
def app(certified, now):
    """An application image in a trusted registry, built on the certified one."""
    registry = Registry.objects.create(
        name="apps", host="apps.example", base_url="https://apps.example", is_trusted=True, created_at=now
    )
    images = Images()
    found = known_artifact(images, images.image("app", base="debian"), now=now)
    record_place([found], Repository.objects.create(registry=registry, path="team/app", created_at=now), now=now)
    known(found, now)
    return found


class TestLine:
    def test_a_certified_image_is_allowed(self, ask, artifact):
        decision = ask(pod(f"{NAME}@{artifact.digest}"))
        assert decision.allowed, decision.message
        assert decision.valid_until

    def test_as_root_it_is_refused(self, ask, artifact):
        decision = ask(pod(f"{NAME}@{artifact.digest}", user=0))
        assert decision.failed_codes == ["root"]

    def test_an_image_on_a_certified_base_is_allowed(self, ask, app):
        decision = ask(pod(f"apps.example/team/app@{app.digest}"))
        assert decision.allowed, decision.message

    def test_one_uncertified_container_refuses_the_pod(self, ask, artifact, app, now):
        images = Images()
        other = known_artifact(images, images.image("stranger"), now=now)
        record_place([other], app.repository_links.get().repository, now=now)
        known(other, now)
        decision = ask(pod(f"{NAME}@{artifact.digest}", f"apps.example/team/app@{other.digest}"))
        assert not decision.allowed
        assert "spec.containers[1].image" in decision.message
        assert "approved" in decision.failed_codes

    def test_an_untrusted_registry_is_refused(self, ask, artifact):
        assert "registry" in ask(pod(f"registry.example/golden-evil/debian@{artifact.digest}")).failed_codes

    def test_a_tag_is_refused_with_the_digest_to_use(self, ask, artifact):
        decision = ask(pod(f"{NAME}:12"))
        assert "reference" in decision.failed_codes
        assert f"{NAME}@{artifact.digest}" in decision.message

    def test_revoked_is_refused_and_so_is_what_stands_on_it(self, ask, artifact, app, certified, now):
        revoke(certified, now)
        assert "approved" in ask(pod(f"{NAME}@{artifact.digest}")).failed_codes
        assert "approved" in ask(pod(f"apps.example/team/app@{app.digest}")).failed_codes

    def test_unsigned_is_refused(self, ask, artifact, golden, now):
        publication = golden.publications.get()
        signing_services.withdraw_publication(publication=publication, actor=ACTOR, now=now)
        assert "signed" in ask(pod(f"{NAME}@{artifact.digest}")).failed_codes

    def test_expired_is_refused_where_it_is_new_and_passes_where_it_ran(self, ask, artifact, now):
        Subversion.objects.update(certified_until=now + timedelta(days=1))
        gate, _ = enrolled_gate(now=now)
        reference = f"{NAME}@{artifact.digest}"
        later = now + timedelta(days=2)
        new = ask(pod(reference), at=later, cluster=gate.cluster)
        assert "approved" in new.failed_codes
        AdmittedDigest.objects.create(cluster=gate.cluster, namespace="shop", digest=artifact.digest, last_at=now)
        again = ask(pod(reference), at=later + timedelta(hours=1), cluster=gate.cluster)
        assert again.allowed, again.message
        assert again.warnings
