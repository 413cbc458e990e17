"""How each state, outcome and severity looks: one word, one tone, one shape, the same on every page.

Nothing is told by colour alone: the word stands beside it and each tone has a shape of its own.
The words are those of the design's vocabulary; no rule lives here.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Look:
    """A word, the class that colours it, and the icon that gives it a shape."""

    word: str
    tone: str  # ok | warn | no | wait | dim | critical | high | medium | low
    icon: str


STATES: dict[str, Look] = {
    # a subversion
    "candidate": Look("candidate", "wait", "circle-dashed"),
    "certifying": Look("certifying", "wait", "hourglass"),
    "certified": Look("certified", "ok", "shield-check-filled"),
    "retiring": Look("retiring", "warn", "calendar-due"),
    "withdrawn": Look("withdrawn", "no", "ban"),
    "suspended": Look("suspended", "no", "ban"),
    "revoked": Look("revoked", "no", "ban"),
    "expired": Look("expired", "no", "clock"),
    "rejected": Look("rejected", "no", "circle-x-filled"),
    # a proposal, a request
    "open": Look("open", "wait", "circle-dashed"),
    "asked": Look("asked", "wait", "circle-dashed"),
    "answered": Look("answered", "ok", "circle-check-filled"),
    "declined": Look("declined", "no", "circle-x-filled"),
    "changes_requested": Look("changes asked for", "warn", "alert-triangle-filled"),
    # a job
    "queued": Look("queued", "dim", "clock"),
    "running": Look("running", "wait", "player-play"),
    "succeeded": Look("succeeded", "ok", "circle-check-filled"),
    "done": Look("done", "ok", "circle-check-filled"),
    "failed": Look("failed", "no", "circle-x-filled"),
    "cancelled": Look("cancelled", "dim", "circle-minus"),
    # a scan
    "complete": Look("complete", "ok", "circle-check-filled"),
    "stale": Look("stale", "warn", "clock"),
    "unsupported": Look("unsupported", "warn", "help-octagon-filled"),
    "none": Look("not scanned", "dim", "help-octagon-filled"),
    # a feed, a registry, a gate
    "fresh": Look("fresh", "ok", "circle-check-filled"),
    "ok": Look("works", "ok", "circle-check-filled"),
    "frozen": Look("frozen at its date", "wait", "snowflake"),
    "never": Look("never synced", "dim", "help-octagon-filled"),
    "new": Look("new", "dim", "circle-dashed"),
    "connected": Look("connected", "ok", "circle-check-filled"),
    "silent": Look("silent", "no", "alert-triangle-filled"),
    "active": Look("active", "ok", "circle-check-filled"),
    "inactive": Look("switched off", "dim", "circle-minus"),
    "ended": Look("ended", "dim", "circle-minus"),
    # a source, a recipe, a build
    "paused": Look("paused", "dim", "player-pause"),
    "approved": Look("approved", "ok", "circle-check-filled"),
    "unreviewed": Look("not reviewed", "warn", "alert-triangle-filled"),
    "never_built": Look("never built", "dim", "circle-dashed"),
    "built": Look("being taken in", "wait", "hourglass"),
    "no_change": Look("no change", "dim", "circle-check"),
    "stopped": Look("stopped", "warn", "ban"),
    "reproduced": Look("reproduced", "ok", "circle-check-filled"),
    "not_reproduced": Look("not reproduced", "warn", "alert-triangle-filled"),
    # an image in a wave
    "waits": Look("waits for its parent", "dim", "hourglass"),
    "building": Look("building", "wait", "player-play"),
    "asking": Look("asking upstream", "wait", "player-play"),
    "examined": Look("being examined", "wait", "circle-dashed"),
    "in_review": Look("waits for reviewers", "wait", "checklist"),
    "fix_not_in_mirror": Look("fix published but not in the mirror", "warn", "alert-triangle-filled"),
    "no_source": Look("no source", "warn", "help-octagon-filled"),
    "pinned": Look("pinned to the old base", "warn", "lock"),
    "held": Look("held", "warn", "player-pause"),
    # a grant
    "in_force": Look("in force", "ok", "shield-check-filled"),
    "expiring": Look("ends soon", "warn", "calendar-due"),
    "refused": Look("refused", "no", "circle-x-filled"),
    "verified": Look("verified", "ok", "shield-check-filled"),  # an attestation
    # the certified side
    "moved": Look("moved", "no", "alert-triangle-filled"),
    "gone": Look("gone", "no", "circle-x-filled"),
    "closed": Look("closed", "dim", "circle-check"),
    "pullable": Look("can be pulled", "ok", "circle-check-filled"),
    "not_pullable": Look("cannot be pulled", "no", "circle-x-filled"),
}

# How a release stands with whoever makes it.
SUPPORT: dict[str, Look] = {
    "supported": Look("supported", "ok", "circle-check-filled"),
    "extended": Look("extended support", "warn", "calendar-due"),
    "ended": Look("end of life", "no", "circle-x-filled"),
    "unknown": Look("not known", "dim", "help-octagon-filled"),
}

# Whether an image is renewed as often as it should be.
RENEWALS: dict[str, Look] = {
    "green": Look("renewed in time", "ok", "circle-check-filled"),
    "amber": Look("check the renewal", "warn", "alert-triangle-filled"),
    "red": Look("not renewed", "no", "circle-x-filled"),
    "none": Look("nothing renews it", "dim", "help-octagon-filled"),
}

# What a rule says of a Dockerfile or of the files in an image, worst first.
CHECKS: dict[str, Look] = {
    "error": Look("error", "no", "circle-x-filled"),
    "warning": Look("warning", "warn", "alert-triangle-filled"),
    "note": Look("note", "dim", "info-circle"),
    "waived": Look("waived", "wait", "ticket"),
}

# What became of a thing between two builds or two recipes.
SIGNS: dict[str, Look] = {
    "added": Look("added", "wait", "plus"),
    "removed": Look("removed", "warn", "minus"),
    "changed": Look("changed", "medium", "writing"),
    "upgraded": Look("upgraded", "ok", "circle-check"),
    "downgraded": Look("downgraded", "no", "alert-triangle-filled"),
}

OUTCOMES: dict[str, Look] = {
    "pass": Look("pass", "ok", "circle-check-filled"),
    "warn": Look("warning", "warn", "alert-triangle-filled"),
    "fail": Look("fail", "no", "circle-x-filled"),
    "unknown": Look("unknown", "warn", "help-octagon-filled"),
    "pending": Look("pending", "wait", "hourglass"),
    "skip": Look("not asked", "dim", "circle-minus"),
    "stated": Look("stated", "dim", "info-circle"),
    "allowed": Look("allowed", "ok", "circle-check-filled"),
    "denied": Look("denied", "no", "circle-x-filled"),
    "approve": Look("approved", "ok", "circle-check-filled"),
    "request_changes": Look("asked for changes", "warn", "alert-triangle-filled"),
    "reject": Look("rejected", "no", "circle-x-filled"),
}

# In the one order of severity, worst first; unknown is its own value and never the lowest.
SEVERITIES: dict[str, Look] = {
    "kev": Look("known exploited", "critical", "flame-filled"),
    "critical": Look("critical", "critical", "alert-octagon-filled"),
    "high": Look("high", "high", "alert-triangle-filled"),
    "medium": Look("medium", "medium", "diamond-filled"),
    "low": Look("low", "low", "circle-arrow-down-filled"),
    "negligible": Look("negligible", "dim", "circle-minus"),
    "none": Look("none", "dim", "circle-minus"),
    "unknown": Look("not rated", "dim", "help-octagon-filled"),
}


def look_of(table: dict[str, Look], value: object) -> Look:
    """The look of ``value``. A word that the table does not know is shown as it is, never hidden."""
    key = str(getattr(value, "value", value)).lower().replace(" ", "_")
    return table.get(key) or Look(key.replace("_", " ") or "unknown", "dim", "help-octagon-filled")
