"""The roles a person may hold, and what each is for."""

from enum import StrEnum


class Role(StrEnum):
    """Roles are held for a time; ``accounts.selectors.roles_of`` says which ones at a moment."""

    VIEWER = "viewer"  # reads everything
    REQUESTER = "requester"  # asks for images, proposes
    REVIEWER = "reviewer"  # judges packets
    SECURITY_REVIEWER = "security_reviewer"  # judges, suspends, revokes
    PLATFORM_ADMIN = "platform_admin"  # registries, feeds, people, clusters
    AUDITOR = "auditor"  # reads and exports the record
