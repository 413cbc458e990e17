"""The filters of a list, read from its address. One that a list does not know is said, never ignored.

Ignoring it would show more than was asked for, and a person would act on rows they did not mean.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.http import HttpRequest

PAGING = frozenset({"cursor", "limit"})
MAX_LENGTH = 300  # characters of one filter's value


@dataclass(frozen=True, slots=True)
class Choice:
    """A filter with a closed list of values."""

    values: Sequence[str]


@dataclass(frozen=True, slots=True)
class Text:
    """A filter that takes words."""


CSV = Choice(("csv",))  # how a list is shown, as its parameter "format"


@dataclass(frozen=True, slots=True)
class Filters:
    """What was asked for, and what of it was not understood."""

    values: Mapping[str, str]
    remarks: tuple[str, ...] = field(default=())

    def get(self, name: str) -> str:
        """The value asked for, "" when none was."""
        return self.values.get(name, "")

    @property
    def is_any(self) -> bool:
        """Whether the list is narrowed at all."""
        return any(self.values.values())

    @property
    def is_csv(self) -> bool:
        """Whether the rows are asked for as a file; never where something was not understood: a page says that."""
        return self.get("format") == "csv" and not self.remarks

    @property
    def status(self) -> int:
        """The status of a page that shows them: 400 when something was not understood."""
        return 400 if self.remarks else 200


def read_filters(request: HttpRequest, known: Mapping[str, Choice | Text]) -> Filters:
    """Read the address's parameters against the filters that a list knows."""
    values: dict[str, str] = {}
    remarks: list[str] = []
    for name, value in request.GET.items():
        if name in PAGING:
            continue
        kind = known.get(name)
        if kind is None:
            remarks.append(f"“{name[:60]}” is not a filter of this list. It has: {', '.join(sorted(known)) or 'none'}.")
        elif not value:
            continue
        elif isinstance(kind, Choice) and value not in kind.values:
            remarks.append(f"“{value[:60]}” is not a value of {name}. It takes: {', '.join(kind.values)}.")
        elif len(value) > MAX_LENGTH or "\x00" in value:
            remarks.append(f"The value of {name} is too long or holds a zero byte.")
        else:
            values[name] = str(value).strip()
    return Filters(values, tuple(remarks))
