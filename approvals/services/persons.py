"""Who may do what to a subversion, asked at the moment of the deed."""

from datetime import datetime

from accounts import selectors as accounts
from accounts.models import Person
from accounts.roles import Role
from approvals.errors import OwnProposal, ReasonMissing, RoleMissing
from approvals.models import Proposal
from approvals.selectors.recipes import recipes_written_by
from catalog.models import Subversion
from core.errors import FieldError

PROPOSERS = frozenset({Role.REQUESTER, Role.REVIEWER, Role.SECURITY_REVIEWER, Role.PLATFORM_ADMIN})
ANSWERERS = frozenset({Role.REVIEWER, Role.SECURITY_REVIEWER, Role.PLATFORM_ADMIN})


def require_any_role(person: Person, roles: frozenset[Role], *, subversion: Subversion | None, now: datetime) -> None:
    """Raises RoleMissing unless ``person`` holds one of ``roles``: everywhere, or for the image's team."""
    if not has_any_role(person, roles, subversion=subversion, now=now):
        words = " or ".join(sorted(role.replace("_", " ") for role in roles))
        raise RoleMissing(f"{person} is not {words} now.", cure="Ask a platform admin for the role.")


def has_any_role(person: Person, roles: frozenset[Role], *, subversion: Subversion | None, now: datetime) -> bool:
    """Whether ``person`` holds one of ``roles`` at ``now``: everywhere, or for the team that owns the image."""
    team = subversion.version.image.owner if subversion is not None else None
    return bool(roles & accounts.roles_of(person, now, team))


def is_own(proposal: Proposal, person: Person) -> bool:
    """Whether ``person``, by any account, proposed it or wrote its source."""
    authors = [proposal.proposed_by, *([proposal.source_author] if proposal.source_author else [])]
    if any(accounts.is_same_person(author, person) for author in authors):
        return True
    return accounts.identity_of(person) in {proposal.proposer_identity, proposal.author_identity}


def has_a_hand_in(proposal: Proposal, person: Person) -> bool:
    """Whether it is their own, or was built from a recipe whose commit they wrote or signed."""
    return (
        is_own(proposal, person)
        or recipes_written_by(person).filter(builds__subversion=proposal.subversion_id).exists()
    )


def require_other_person(proposal: Proposal, person: Person) -> None:
    """Raises OwnProposal, except in a house of one person, where every certificate says so."""
    if not accounts.is_one_person() and has_a_hand_in(proposal, person):
        raise OwnProposal(
            "Nobody reviews what they proposed, or whose source they wrote.", cure="Ask another reviewer."
        )


def require_reason(reason: str) -> str:
    """The reason without its margins. Raises ReasonMissing."""
    stripped = reason.strip()
    if not stripped:
        cure = "Say in words why; people will read it."
        raise ReasonMissing("A reason is missing.", cure=cure, errors=[FieldError("/reason", "required", cure)])
    return stripped
