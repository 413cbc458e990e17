"""A new base is judged against everything that stands on it, in as many queries as against nothing."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from oci.chain import chain_ids
from oci.digest import Digest
from registry import selectors
from registry.models import Artifact, ArtifactLayer, Layer
from registry.services.records import link_lineage
from tests.factories.registry import EARLY, artifact_row

pytestmark = pytest.mark.django_db
BASE = [Digest.of(b"base")]
STEP = ["t", "ADD base", False]


def image(diff_ids: list[Digest], *steps: list) -> Artifact:
    chain = chain_ids(diff_ids)
    row = artifact_row(
        diff_ids=[str(one) for one in diff_ids],
        history=list(steps),
        top_chain_id=str(chain[-1]),
        layer_count=len(chain),
    )
    for position, diff_id in enumerate(diff_ids):
        layer, _ = Layer.objects.get_or_create(
            digest=str(diff_id),
            defaults={
                "diff_id": str(diff_id),
                "media_type": "x",
                "size_bytes": 1,
                "unpacked_bytes": 1,
                "last_used_at": EARLY,
                "created_at": EARLY,
            },
        )
        ArtifactLayer.objects.create(artifact=row, layer=layer, position=position, chain_id=str(chain[position]))
    return row


def queries_for_a_base_under(descendants: int) -> int:
    base = [Digest.of(f"base of {descendants}".encode())]
    for number in range(descendants):
        image([*base, Digest.of(f"{descendants}/{number}".encode())], STEP, ["t", f"COPY {number}", False])
    row = image(base, STEP)
    with CaptureQueriesContext(connection) as found:
        link_lineage([row])
    assert selectors.descendants_of(row).count() == descendants
    return len(found)


def test_the_number_of_queries_does_not_grow():
    assert queries_for_a_base_under(2) == queries_for_a_base_under(50) <= 5


def test_two_bases_that_differ_in_their_user_are_told_apart_by_history():
    root, nobody = image(BASE, STEP), image(BASE, STEP, ["t", "USER nobody", True])
    app = image([*BASE, Digest.of(b"app")], STEP, ["t", "USER nobody", True], ["t", "COPY app", False])
    link_lineage([root, nobody, app])

    view = selectors.lineage_of(app)
    assert (view.certainty, view.nearest) == ("exact", (nobody,))
    assert set(view.all_ancestors) == {root, nobody}
    assert selectors.lineage_of(nobody).nearest == (root,)
    assert selectors.lineage_of(root).certainty == "cannot_tell"


def test_a_second_base_that_comes_later_makes_the_answer_ambiguous():
    first = image(BASE, STEP)
    app = image([*BASE, Digest.of(b"app")], STEP, ["t", "COPY app", False])
    link_lineage([first, app])
    assert selectors.lineage_of(app).certainty == "exact"
    again = image(BASE, STEP)
    link_lineage([again])
    view = selectors.lineage_of(app)
    assert (view.certainty, set(view.nearest)) == ("ambiguous", {first, again})
