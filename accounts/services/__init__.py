"""Every write of the accounts, each one transaction with its record inside.

``by`` is the person who does it; None is whoever has a shell on the host (``manage.py person``),
recorded as the system actor ``host``.
"""

from accounts.services.directory import keep_current, receive_person
from accounts.services.first import create_first_administrator
from accounts.services.passwords import change_password, reset_password
from accounts.services.people import (
    NewPerson,
    create_person,
    deactivate_person,
    link_accounts,
    reactivate_person,
)
from accounts.services.roles import end_role, grant_role, hold_roles
from accounts.services.sessions import sign_in, sign_out
from accounts.services.teams import add_member, create_team, remove_member
from accounts.services.tokens import NewToken, create_token, end_token, note_token_use

__all__ = [
    "NewPerson",
    "NewToken",
    "add_member",
    "change_password",
    "create_first_administrator",
    "create_person",
    "create_team",
    "create_token",
    "deactivate_person",
    "end_role",
    "end_token",
    "grant_role",
    "hold_roles",
    "keep_current",
    "link_accounts",
    "note_token_use",
    "reactivate_person",
    "receive_person",
    "remove_member",
    "reset_password",
    "sign_in",
    "sign_out",
]
