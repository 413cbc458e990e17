"""Policies for tests.

adopted(now, reviewers=3)     # the default with another number in its certify section
"""

from datetime import datetime

from accounts.roles import Role
from gate.policy import DEFAULT_JSON
from policies import services
from policies.models import Policy
from tests.factories.accounts import person_with


def adopted(now: datetime, **certify: object) -> Policy:
    """The default policy with changes to its *certify* section, in force from ``now``."""
    document = {**DEFAULT_JSON, "name": "tests", "certify": {**DEFAULT_JSON["certify"], **certify}}
    return services.adopt_policy(document=document, adopted_by=person_with(Role.PLATFORM_ADMIN), now=now)
