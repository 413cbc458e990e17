"""The roles a person may hold, and what a service token may be good for."""

from enum import StrEnum


class Role(StrEnum):
    """Roles are held for a time; ``accounts.selectors.roles_of`` says which ones at a moment."""

    VIEWER = "viewer"  # reads everything
    REQUESTER = "requester"  # asks for images, proposes
    REVIEWER = "reviewer"  # judges packets
    SECURITY_REVIEWER = "security_reviewer"  # judges, suspends, revokes
    PLATFORM_ADMIN = "platform_admin"  # registries, feeds, people, clusters
    AUDITOR = "auditor"  # reads and exports the record


class Scope(StrEnum):
    """What a service token may be used for, within what its owner's roles allow at that moment.

    Absent on purpose: reviewing, suspending, revoking, granting roles and making tokens. A robot is
    no reviewer, and a leaked token must not be able to make itself more than it was.
    """

    READ = "read"  # every GET that its owner may do
    IMPORT = "import"  # bring images in, cancel jobs
    PROPOSE = "propose"  # ask for images, put candidates before reviewers
    CATALOG = "catalog"  # images and versions
    DECIDE = "decide"  # ask for a verdict
    REGISTRIES = "registries"  # add and test registries
    FEEDS = "feeds"  # add and sync advisory feeds
    CLUSTERS = "clusters"  # add clusters, make enrolment tokens
    AUDIT = "audit"  # export the record


ROLE_CHOICES = [(role.value, role.value) for role in Role]
SCOPE_CHOICES = [(scope.value, scope.value) for scope in Scope]
