"""What listens to the record: callbacks that run in the deed's own transaction.

Filled once at start by ``portal/pipeline.py``; a callback that raises undoes the deed with its record.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING

from audit.verbs import Verb

if TYPE_CHECKING:
    from audit.models import Record

Callback = Callable[["Record"], None]

_subscribers: dict[Verb, list[Callback]] = defaultdict(list)


def subscribe(verb: Verb, callback: Callback) -> None:
    """Call ``callback`` with each new record of ``verb``, inside the transaction that writes it."""
    if callback not in _subscribers[verb]:
        _subscribers[verb].append(callback)


def publish(record: "Record") -> None:
    """Hand ``record`` to everything that listens to its verb."""
    for callback in _subscribers[Verb(record.verb)]:
        callback(record)
