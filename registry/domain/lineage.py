"""On which image another stands.

The rules:

- An image's ancestors are those whose ``diff_ids`` are a prefix of its own: verified bytes, not labels.
- Equal lists count when the digests differ (``FROM base`` + ``USER 0`` adds no layer), unless the other's history
  goes on where this one's ends: then the other stands on this one.
- The *nearest* ones have the longest prefix. Of several, those whose history is the longest beginning of this
  image's history remain; where history tells nothing, all remain and the worst of them decides.
- One that remains, and whose history fits: exact. Else ambiguous. None at all: cannot tell.
- A prefix proves what was inherited, not that nothing above alters it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Certainty(StrEnum):
    """How well the ancestors name the base."""

    EXACT = "exact"
    AMBIGUOUS = "ambiguous"
    CANNOT_TELL = "cannot_tell"


@dataclass(frozen=True, slots=True)
class Stand:
    """What lineage follows from, of one image."""

    artifact_id: UUID
    layer_count: int
    history: tuple[tuple[object, ...], ...]


@dataclass(frozen=True, slots=True)
class Ancestor:
    """One ancestor, judged."""

    artifact_id: UUID
    shared_layers: int
    is_nearest: bool
    certainty: Certainty


def history_of(stored: Sequence[Sequence[object]]) -> tuple[tuple[object, ...], ...]:
    """A stored history in comparable form."""
    return tuple(tuple(entry) for entry in stored)


def judge(image: Stand, candidates: Iterable[Stand]) -> list[Ancestor]:
    """Judge images whose ``diff_ids`` are a prefix of ``image``'s. Order does not matter."""
    ancestors = [one for one in candidates if one.artifact_id != image.artifact_id and not _stands_on(one, image)]
    if not ancestors:
        return []
    longest = max(one.layer_count for one in ancestors)
    nearest = _narrowed(image, [one for one in ancestors if one.layer_count == longest])
    chosen = {one.artifact_id for one in nearest}
    is_exact = len(nearest) == 1 and _begins(nearest[0].history, image.history)
    certainty = Certainty.EXACT if is_exact else Certainty.AMBIGUOUS
    return [
        Ancestor(
            artifact_id=one.artifact_id,
            shared_layers=one.layer_count,
            is_nearest=one.artifact_id in chosen,
            certainty=certainty if one.artifact_id in chosen else _alone(image, one),
        )
        for one in ancestors
    ]


def _alone(image: Stand, one: Stand) -> Certainty:
    return Certainty.EXACT if _begins(one.history, image.history) else Certainty.AMBIGUOUS


def _stands_on(one: Stand, image: Stand) -> bool:
    """Whether ``one`` is built on ``image``, by history, where the layers are the same."""
    same_layers = one.layer_count == image.layer_count
    return same_layers and len(one.history) > len(image.history) and _begins(image.history, one.history)


def _begins(short: tuple[tuple[object, ...], ...], long: tuple[tuple[object, ...], ...]) -> bool:
    return bool(short) and len(short) <= len(long) and long[: len(short)] == short


def _narrowed(image: Stand, nearest: list[Stand]) -> list[Stand]:
    fitting = [one for one in nearest if _begins(one.history, image.history)]
    if not fitting:
        return nearest
    longest = max(len(one.history) for one in fitting)
    return [one for one in fitting if len(one.history) == longest]
