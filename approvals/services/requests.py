"""Asking for what is not there yet."""

import re
from datetime import datetime

from django.db import transaction

from accounts import selectors as accounts
from accounts.models import Person, Team
from accounts.roles import Role
from approvals import selectors
from approvals.errors import AlreadyThere, NotAsked, RequestClosed, RequestMissing
from approvals.models import Request, RequestJoin
from approvals.services import persons
from audit.actor import Actor
from audit.services import record
from audit.verbs import Verb
from catalog import selectors as catalog
from catalog.errors import BadName
from catalog.models import IMAGE_NAME, VERSION_NAME, Subversion
from core.errors import FieldError

ASKERS = frozenset({Role.REQUESTER, Role.REVIEWER, Role.SECURITY_REVIEWER, Role.PLATFORM_ADMIN})


@transaction.atomic
def ask_request(
    *,
    image_name: str,
    version_name: str,
    reason: str,
    asked_by: Person,
    now: datetime,
    team: Team | None = None,
    actor: Actor | None = None,
) -> Request:
    """Ask for a version. Where somebody asked already, this joins that request and returns it.

    Raises: RoleMissing; BadName; ReasonMissing; AlreadyThere (it is certified: the error says what to use).
    """
    persons.require_any_role(asked_by, ASKERS, subversion=None, now=now)
    _require_names(image_name, version_name)
    told = persons.require_reason(reason)
    current = catalog.current_certified(f"{image_name}/{version_name}", now)
    if current is not None:
        raise AlreadyThere(
            f"{image_name}/{version_name} is certified already.",
            cure=f"Use FROM {current.certified_repository}@{current.certified_digest}",
        )
    # get_or_create under the unique index: two who ask at once share one request.
    request, is_new = Request.objects.get_or_create(
        image_name=image_name,
        version_name=version_name,
        state=Request.State.OPEN,
        defaults={"team": team, "asked_by": asked_by, "reason": told, "asked_at": now},
    )
    if not is_new:
        if not accounts.is_same_person(request.asked_by, asked_by):
            join_request(request_id=request.pk, person=asked_by, team=team, reason=told, now=now, actor=actor)
        return request
    record(
        Verb.REQUEST_ASKED,
        actor=actor or asked_by.as_actor(),
        subject=selectors.request_subject(request),
        at=now,
        data={"reason": told},
    )
    return request


@transaction.atomic
def join_request(
    *,
    request_id: int,
    person: Person,
    now: datetime,
    team: Team | None = None,
    reason: str = "",
    actor: Actor | None = None,
) -> RequestJoin:
    """Say that one needs it too. Joining twice is joining once. Raises: RoleMissing; RequestMissing; RequestClosed."""
    persons.require_any_role(person, ASKERS, subversion=None, now=now)
    request = _lock_open(request_id)
    join, is_new = RequestJoin.objects.get_or_create(
        request=request, person=person, defaults={"team": team, "reason": reason.strip(), "joined_at": now}
    )
    if is_new:
        record(
            Verb.REQUEST_JOINED,
            actor=actor or person.as_actor(),
            subject=selectors.request_subject(request),
            at=now,
            data={"reason": join.reason},
        )
    return join


@transaction.atomic
def answer_request(
    *, request_id: int, answered_by: Person, answer: str, now: datetime, subversion: Subversion | None = None
) -> Request:
    """Answer in words, with what to use where there is something.

    Raises: RoleMissing; RequestMissing; RequestClosed; ReasonMissing.
    """
    persons.require_any_role(answered_by, persons.ANSWERERS, subversion=None, now=now)
    request = _lock_open(request_id)
    request.answer = persons.require_reason(answer)
    request.answered_by = answered_by
    request.subversion = subversion
    request.state = Request.State.ANSWERED
    request.closed_at = now
    request.save(update_fields=["answer", "answered_by", "subversion", "state", "closed_at"])
    record(
        Verb.REQUEST_ANSWERED,
        actor=answered_by.as_actor(),
        subject=selectors.request_subject(request),
        at=now,
        data={"answer": request.answer},
    )
    return request


@transaction.atomic
def withdraw_request(*, request_id: int, person: Person, now: datetime) -> Request:
    """Take one's request back; where others joined, the first of them keeps it.

    Raises: RequestMissing; RequestClosed; NotAsked.
    """
    request = _lock_open(request_id)
    if not accounts.is_same_person(request.asked_by, person):
        raise NotAsked("Only who asked withdraws a request.", cure="Ask them.")
    heir = request.joins.select_related("person", "team").order_by("joined_at", "pk").first()
    if heir is not None:
        request.asked_by, request.team = heir.person, heir.team
        request.reason = heir.reason or request.reason
        request.save(update_fields=["asked_by", "team", "reason"])
        heir.delete()
    else:
        request.state = Request.State.WITHDRAWN
        request.closed_at = now
        request.save(update_fields=["state", "closed_at"])
    record(
        Verb.REQUEST_WITHDRAWN,
        actor=person.as_actor(),
        subject=selectors.request_subject(request),
        at=now,
        data={"kept_by": request.asked_by.username if heir else ""},
    )
    return request


def _lock_open(request_id: int) -> Request:
    request = Request.objects.select_for_update(of=("self",)).select_related("asked_by").filter(pk=request_id).first()
    if request is None:
        raise RequestMissing("There is no such request.", cure="See the list of requests.")
    if request.state != Request.State.OPEN:
        raise RequestClosed(f"The request is {request.state}.", cure="Ask anew if it does not help you.")
    return request


def _require_names(image_name: str, version_name: str) -> None:
    cure = "Name an image and a version, such as debian and 12."
    if len(image_name) > 100 or not re.fullmatch(IMAGE_NAME, image_name):
        row = FieldError("/image", "bad_name", cure)
        raise BadName(f"{image_name[:80]!r} cannot be the name of an image.", cure=cure, errors=[row])
    if not re.fullmatch(VERSION_NAME, version_name):
        row = FieldError("/version", "bad_name", cure)
        raise BadName(f"{version_name[:80]!r} cannot be the name of a version.", cure=cure, errors=[row])
