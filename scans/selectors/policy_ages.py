"""How old advisories may be when certifying, by the policy in force: the stricter of the lines, shown everywhere."""

from datetime import datetime, timedelta

from policies.selectors import active_policy, document_of


def allowed_feed_age(at: datetime) -> timedelta:
    """The age of advisories beyond which a scan is stale, for certification, at ``at``."""
    return timedelta(hours=document_of(active_policy(at)).certify.feed_max_age_hours)
