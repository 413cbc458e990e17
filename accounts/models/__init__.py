"""People, teams, the roles they hold, and their tokens."""

from accounts.models.person import Person, PersonManager
from accounts.models.role_grant import RoleGrant
from accounts.models.service_token import ServiceToken
from accounts.models.team import Membership, Team

__all__ = ["Membership", "Person", "PersonManager", "RoleGrant", "ServiceToken", "Team"]
