"""What of supply waits for a person."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import CharField, Exists, F, Func, OuterRef, QuerySet, TextField, Value
from django.db.models.functions import Cast, Concat

from builds.models import DriftAlarm, PullProbe, Recipe, Watch, WaveRow
from builds.selectors.builds import failing_builds

MAX_ALERTS = 20  # of each kind
MAX_NAMED = 4  # images that wait for one decision


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that waits for a person, since when. ``detail``: of a wave, the images that wait, by comma."""

    kind: str
    key: UUID
    label: str
    detail: str
    at: datetime


def alerts(*, is_platform: bool, recipes: Mapping[str, QuerySet[Recipe]]) -> list[Alert]:
    """What waits, at most 20 of each kind. One query.

    Kinds: those of ``recipes``, each with its rows; and for platform people drift, pull, build, watch, wave (a
    candidate that other images of its wave wait for).
    """
    parts = [
        _rows(kind, found, Concat("source__name", Value(" recipe "), Cast("number", CharField())), "created_at")
        for kind, found in recipes.items()
    ]
    if is_platform:
        parts += _platform_rows()
    if not parts:
        return []
    return [Alert(*row) for row in parts[0].union(*parts[1:], all=True)]


def _platform_rows() -> list[QuerySet[Any, Any]]:
    tag = Concat("repository__path", Value(":"), "tag")
    build = Concat("source__name", Value(" build "), Cast("number", CharField()))
    pulls = PullProbe.objects.filter(is_pullable=False)
    return [
        _rows("drift", DriftAlarm.objects.filter(closed_at=None), tag, "opened_at"),
        _rows("pull", pulls, _subversion_name(), "failing_since", key="subversion_id"),
        _rows("build", failing_builds().select_related(None).prefetch_related(None), build, "finished_at"),
        _rows("watch", Watch.objects.filter(stopped_at__isnull=False), tag, "stopped_at"),
        _waited_for(),
    ]


def _waited_for() -> QuerySet[Any, Any]:
    """Undecided candidates of open waves that other images wait for, since they came."""
    waiting = WaveRow.objects.filter(parent=OuterRef("pk"), started_at=None, finished_at=None)
    names = waiting.annotate(name=Concat("version__image__name", Value("/"), "version__name")).order_by("pk")
    named = Func(
        ArraySubquery(names.values("name")[:MAX_NAMED]),
        Value(", "),
        function="array_to_string",
        output_field=TextField(),
    )
    rows = WaveRow.objects.filter(Exists(waiting), wave__closed_at=None, finished_at=None, subversion__isnull=False)
    return _rows("wave", rows, _subversion_name(), "subversion__created_at", key="wave_id", detail=named)


def _subversion_name() -> Concat:
    parts = ("subversion__version__image__name", Value("/"), "subversion__version__name", Value(" "))
    return Concat(*parts, "subversion__name")


def _rows(  # noqa: PLR0913 - one a column
    kind: str, rows: QuerySet[Any], label: Any, at: str, *, key: str = "pk", detail: Any = None
) -> QuerySet[Any, Any]:
    told = Value("", output_field=TextField()) if detail is None else detail
    named = rows.annotate(kind_=Value(kind), key_=F(key), label_=Cast(label, CharField()), detail_=told, at_=F(at))
    told_rows: QuerySet[Any, Any] = named.order_by("-at_").values_list("kind_", "key_", "label_", "detail_", "at_")
    return told_rows[:MAX_ALERTS]
