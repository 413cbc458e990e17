"""Who asks, as the record names them."""

from typing import Any

from rest_framework.request import Request

from audit.actor import Actor


def actor_of(request: Request) -> Actor:
    """The service token that was shown, else the person: a robot's deed must not read as its owner's."""
    # Neither type is named here: the record stands below the room that has people and tokens.
    caller: Any = request.auth if hasattr(request.auth, "as_actor") else request.user
    actor: Actor = caller.as_actor()
    return actor
