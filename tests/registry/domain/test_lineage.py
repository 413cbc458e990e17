"""On which image another stands: the fine print, case by case."""

from uuid import UUID

import pytest

from registry.domain.lineage import Certainty, Stand, judge

BASE_STEPS = (("t1", "ADD debian", False), ("t1", "CMD bash", True))


def stand(number: int, layers: int, *steps: tuple) -> Stand:
    return Stand(UUID(int=number), layers, tuple(steps))


def nearest(image: Stand, *candidates: Stand) -> tuple[set[int], set[Certainty]]:
    found = [one for one in judge(image, candidates) if one.is_nearest]
    return {one.artifact_id.int for one in found}, {one.certainty for one in found}


DEBIAN = stand(1, 1, *BASE_STEPS)
PYTHON = stand(2, 2, *BASE_STEPS, ("t2", "RUN python", False))
APP = stand(9, 3, *BASE_STEPS, ("t2", "RUN python", False), ("t3", "COPY app", False))


class TestJudge:
    def test_nothing_below_is_no_ancestor(self):
        assert judge(APP, []) == []
        assert judge(APP, [APP]) == []

    def test_the_longest_prefix_names_the_base_and_the_rest_stay_ancestors(self):
        found = {one.artifact_id.int: one for one in judge(APP, [DEBIAN, PYTHON])}
        assert set(found) == {1, 2}
        assert (found[2].is_nearest, found[2].certainty) == (True, Certainty.EXACT)
        assert (found[1].is_nearest, found[1].shared_layers) == (False, 1)

    def test_user_0_on_top_adds_no_layer_and_still_stands_on_its_base(self):
        rootful = stand(3, 1, *BASE_STEPS, ("t2", "USER 0", True))
        assert nearest(rootful, DEBIAN) == ({1}, {Certainty.EXACT})
        assert judge(DEBIAN, [rootful]) == []  # and not the other way round

    def test_of_two_bases_with_the_same_layers_history_tells_which(self):
        other = stand(3, 1, *BASE_STEPS, ("t2", "USER 1001", True))
        app = stand(9, 2, *BASE_STEPS, ("t2", "USER 1001", True), ("t3", "COPY app", False))
        assert nearest(app, DEBIAN, other) == ({3}, {Certainty.EXACT})
        plain = stand(9, 2, *BASE_STEPS, ("t3", "COPY app", False))
        assert nearest(plain, DEBIAN, other) == ({1}, {Certainty.EXACT})

    def test_where_history_tells_nothing_all_remain(self):
        one, other = stand(3, 1, ("x", "a", False)), stand(4, 1, ("y", "b", False))
        assert nearest(APP, one, other) == ({3, 4}, {Certainty.AMBIGUOUS})

    def test_the_same_image_packed_twice_is_ambiguous(self):
        """Recompressed layers: another digest, the same diff_ids, the same history."""
        again = stand(7, 1, *BASE_STEPS)
        assert nearest(APP, DEBIAN, again) == ({1, 7}, {Certainty.AMBIGUOUS})

    @pytest.mark.parametrize("steps", [(), (("t9", "somebody else's", False),)])
    def test_one_whose_history_does_not_fit_is_ambiguous(self, steps):
        assert nearest(APP, stand(3, 2, *steps)) == ({3}, {Certainty.AMBIGUOUS})

    def test_squashed_upper_layers_keep_the_base_by_its_layers_alone(self):
        squashed = stand(9, 2, ("t3", "squash", False))
        assert nearest(squashed, DEBIAN) == ({1}, {Certainty.AMBIGUOUS})

    def test_the_order_of_candidates_does_not_matter(self):
        candidates = [DEBIAN, PYTHON, stand(3, 2, ("x", "y", False))]
        assert sorted(map(str, judge(APP, candidates))) == sorted(map(str, judge(APP, candidates[::-1])))
