"""What is asked of the engine, and what it answers. Values only; each encodes to JSON as it stands."""

from enum import StrEnum

import msgspec

# In the order in which they are asked. `content` and `context` will stand before `signed` and after `root`.
CHECKS = ("reference", "registry", "known", "scanned", "findings", "signed", "approved", "root")
# In which order they explain a refusal: a missing certificate before the signature that follows from it.
SHOWN = ("reference", "registry", "known", "scanned", "findings", "approved", "signed", "root")


class Outcome(StrEnum):
    """What a check came to. ``UNKNOWN`` refuses like ``FAIL``: silence is not an answer."""

    PASS = "pass"  # noqa: S105 - a word, not a secret
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


# By these names in every check: an enum's attribute costs ten times a module's name (Python 3.11), and each
# answer asks dozens of times.
PASS, WARN, FAIL, UNKNOWN = Outcome.PASS, Outcome.WARN, Outcome.FAIL, Outcome.UNKNOWN


class Place(StrEnum):
    """Where an image was found: it says whether, and as whom, something would run."""

    CONTAINER = "container"
    VOLUME = "volume"  # mounted, never run
    BARE = "bare"  # asked for by itself, outside any Pod: how it will run is not known yet


class Line(StrEnum):
    """Which line of the policy an image was held to."""

    DEPLOY = "deploy"
    RESTART = "restart"  # this namespace ran the digest within the policy's window


class ImageUse(msgspec.Struct, frozen=True, kw_only=True):
    """One image in an object."""

    reference: str  # as written
    path: str = ""  # JSON path, "spec.containers[0].image"
    place: Place = Place.CONTAINER
    run_as_user: int | None = None  # the container's securityContext.runAsUser, else the Pod's; None: neither says
    is_user_malformed: bool = False  # runAsUser is there and is no number: unprovable


class Where(msgspec.Struct, frozen=True, kw_only=True):
    """For whom the question is asked. Empty: for nobody in particular, so nothing was run before."""

    cluster: str = ""
    namespace: str = ""


class Check(msgspec.Struct, frozen=True, omit_defaults=True):
    """One check of one image."""

    code: str
    outcome: Outcome
    reason: str  # the cause, in words
    remedy: str = ""  # what to do, in words; a digest in it is never cut
    until: int = 0  # Unix seconds: when the outcome may get worse by itself; 0: not by time
    retry_after_seconds: int = 0  # the answer may be another one by then

    @property
    def refuses(self) -> bool:
        """Whether the image is refused for it."""
        outcome = self.outcome
        return outcome is FAIL or outcome is UNKNOWN


class ImageVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What every check says about one image; ``refusal`` is the one shown."""

    reference: str
    path: str
    digest: str  # empty: the reference names none
    allowed: bool
    line: Line
    checks: tuple[Check, ...]
    valid_until: int  # Unix seconds; 0: refused, or nothing ends it

    @property
    def refusal(self) -> Check | None:
        """The check to show: a failed one before an unknown one, in the order of ``SHOWN``; None when allowed."""
        refusing = [check for check in self.checks if check.refuses]
        return min(refusing, key=lambda check: (check.outcome is UNKNOWN, SHOWN.index(check.code)), default=None)

    @property
    def warnings(self) -> tuple[Check, ...]:
        """The checks that let pass and have something to say."""
        return tuple([check for check in self.checks if check.outcome is WARN])


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The answer for a whole object: allowed when it shows images and every one is."""

    allowed: bool
    cause: str  # why, where no image is to blame: snapshot expired, nothing to judge; else empty
    images: tuple[ImageVerdict, ...]
    valid_until: int  # Unix seconds, the earliest of the images'; 0: refused, or nothing ends it
    retry_after_seconds: int
    snapshot_version: int
    policy_version: int
