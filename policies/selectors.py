"""Which policy held when."""

from datetime import datetime

from django.db.models import QuerySet

from policies.domain.default import DEFAULT
from policies.domain.document import PolicyDocument
from policies.models import Policy


def active_policy(at: datetime) -> Policy:
    """The policy in force at ``at``: the latest version adopted by then.

    Before anybody adopted one it is the default, as version 0, which is stored nowhere yet
    (``services.policy_in_force`` stores it when something is to refer to it).
    """
    stored = Policy.objects.filter(adopted_at__lte=at).order_by("-version").first()
    return stored or Policy(
        version=0, name=DEFAULT.name, document=DEFAULT.to_json(), sha256=DEFAULT.sha256, is_demo=False, adopted_at=at
    )


def document_of(policy: Policy) -> PolicyDocument:
    """The typed document of a stored version. Raises MalformedPolicy for one that this release cannot read."""
    return PolicyDocument.from_json(policy.document)


def policy_history() -> QuerySet[Policy]:
    """Every version, newest first."""
    return Policy.objects.select_related("adopted_by").order_by("-version")
