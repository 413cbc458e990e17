"""``root``: as whom would it run?

The container's ``runAsUser`` overrides the Pod's, and either overrides the image's ``User``. Only a number
other than 0 passes: a *name* is looked up in the image's own ``/etc/passwd`` by the runtime, so nobody can
prove from outside what it means. ``runAsNonRoot`` alone makes nothing provable and is not read.
"""

import re

from gate.checks.subject import Subject, worst
from gate.facts import DigestFacts
from gate.policy import Action
from gate.verdict import FAIL, PASS, UNKNOWN, WARN, Check, Line, Place

_VOLUME, _BARE = Place.VOLUME, Place.BARE
# Larger numbers wrap around in runtimes, to 0 among others (containerd, CVE-2024-40635).
MAX_USER = 2_147_483_647
_NUMBER = re.compile(r"\A[0-9]{1,10}\Z")
FIX = "Set securityContext.runAsUser to a number other than 0, or USER to one in the image."

NOT_RUN = Check("root", PASS, "mounted as a volume, not run")


def check_root(subject: Subject) -> Check:
    """The effective numeric user is not 0, on any platform that may run."""
    use = subject.use
    if use.place is _VOLUME:
        return NOT_RUN
    if use.is_user_malformed:
        found = Check("root", UNKNOWN, "runAsUser is no whole number", FIX)
    elif use.run_as_user is not None:
        found = _by_number(use.run_as_user, f"runAsUser {use.run_as_user}")
    elif subject.alone is not None:
        found = _by_image(subject.alone, "")
    else:
        found = worst([_by_image(facts, called) for facts, called in subject.members])
    if not found.refuses:
        return found
    if use.place is _BARE:
        # How a base runs is a fact of the Pod that runs it: stated here, refused there.
        return Check("root", WARN, f"{found.reason}, unless the Pod says otherwise", found.remedy)
    rules = subject.policy.restart if subject.line is Line.RESTART else subject.policy.deploy
    if rules.root is Action.WARN:
        return Check("root", WARN, found.reason, found.remedy)
    return found


def _by_image(facts: DigestFacts | None, called: str) -> Check:
    if facts is None:
        return Check("root", UNKNOWN, f"its configuration is not known{called}", FIX)
    user = facts.user.partition(":")[0]
    if _NUMBER.match(user):
        return _by_number(int(user), f"the image's user {user}{called}")
    if user in ("", "root"):
        return Check("root", FAIL, f"it runs as root: the image sets no other user{called}", FIX)
    return Check("root", UNKNOWN, f"the image's user {user[:40]!r} is a name, which proves nothing{called}", FIX)


def _by_number(user: int, source: str) -> Check:
    if user == 0:
        return Check("root", FAIL, f"it runs as root: {source}", FIX)
    if not 0 < user <= MAX_USER:
        return Check("root", UNKNOWN, f"{source} is out of range and may wrap around to root", FIX)
    return Check("root", PASS, f"runs as {user}")
