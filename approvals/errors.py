"""What approvals refuse, each named for the fact."""

from typing import ClassVar

from core.errors import GoldgateError, Kind


class RoleMissing(GoldgateError):
    """The role that this deed needs is not held at this moment."""

    code: ClassVar[str] = "role_missing"


class OwnProposal(GoldgateError):
    """Nobody reviews what they proposed, or whose source they wrote, by any account of theirs."""

    code: ClassVar[str] = "own_proposal"


class ProposalMissing(GoldgateError):
    """There is no such proposal."""

    code: ClassVar[str] = "proposal_missing"
    kind: ClassVar[Kind] = Kind.MISSING


class PacketMissing(GoldgateError):
    """There is no such packet."""

    code: ClassVar[str] = "packet_missing"
    kind: ClassVar[Kind] = Kind.MISSING


class ProposalExists(GoldgateError):
    """The subversion is before its reviewers already."""

    code: ClassVar[str] = "proposal_exists"
    kind: ClassVar[Kind] = Kind.CONFLICT


class ProposalClosed(GoldgateError):
    """The proposal takes no more of this."""

    code: ClassVar[str] = "proposal_closed"
    kind: ClassVar[Kind] = Kind.CONFLICT


class PacketMoved(GoldgateError):
    """The evidence changed since it was read; what was judged is not what would be certified."""

    code: ClassVar[str] = "packet_moved"
    kind: ClassVar[Kind] = Kind.CONFLICT


class AlreadyReviewed(GoldgateError):
    """This person judged this packet already; a judgement is not taken back."""

    code: ClassVar[str] = "already_reviewed"
    kind: ClassVar[Kind] = Kind.CONFLICT


class ChangesRequested(GoldgateError):
    """A reviewer asked for changes to this very packet; it is not approved over their head."""

    code: ClassVar[str] = "changes_requested"
    kind: ClassVar[Kind] = Kind.CONFLICT


class LineCrossed(GoldgateError):
    """The policy's line keeps this candidate from being certified; ``errors`` names each check."""

    code: ClassVar[str] = "line_crossed"


class ReasonMissing(GoldgateError):
    """The deed asks for a reason in words."""

    code: ClassVar[str] = "reason_missing"
    kind: ClassVar[Kind] = Kind.MALFORMED


class NoCertifiedSide(GoldgateError):
    """There is nowhere to publish what is certified."""

    code: ClassVar[str] = "no_certified_side"
    kind: ClassVar[Kind] = Kind.CONFLICT


class CertificationMissing(GoldgateError):
    """There is no such certification."""

    code: ClassVar[str] = "certification_missing"
    kind: ClassVar[Kind] = Kind.MISSING


class NotSent(GoldgateError):
    """The signature is not where clusters look for it yet."""

    code: ClassVar[str] = "publication_not_sent"
    kind: ClassVar[Kind] = Kind.UNAVAILABLE


class NotUsable(GoldgateError):
    """The subversion is not one that may be used, so there is nothing to suspend."""

    code: ClassVar[str] = "not_usable"
    kind: ClassVar[Kind] = Kind.CONFLICT


class NotSuspended(GoldgateError):
    """No suspension is in force."""

    code: ClassVar[str] = "not_suspended"
    kind: ClassVar[Kind] = Kind.CONFLICT


class NeverCertified(GoldgateError):
    """What was never certified is rejected, not revoked."""

    code: ClassVar[str] = "never_certified"
    kind: ClassVar[Kind] = Kind.CONFLICT


class AlreadyRevoked(GoldgateError):
    """It is revoked already."""

    code: ClassVar[str] = "already_revoked"
    kind: ClassVar[Kind] = Kind.CONFLICT


class RequestMissing(GoldgateError):
    """There is no such request."""

    code: ClassVar[str] = "request_missing"
    kind: ClassVar[Kind] = Kind.MISSING


class RequestClosed(GoldgateError):
    """The request is answered or withdrawn."""

    code: ClassVar[str] = "request_closed"
    kind: ClassVar[Kind] = Kind.CONFLICT


class NotAsked(GoldgateError):
    """Only those who asked may do this."""

    code: ClassVar[str] = "not_asked"


class AlreadyThere(GoldgateError):
    """What is asked for is certified already."""

    code: ClassVar[str] = "already_there"
    kind: ClassVar[Kind] = Kind.CONFLICT


class GiverMissing(GoldgateError):
    """Whoever answers for this check holds another role."""

    code: ClassVar[str] = "role_missing"


class OwnWaiver(GoldgateError):
    """Nobody gives what they asked for, nor what lets their own work pass."""

    code: ClassVar[str] = "own_waiver"


class RecipeClosed(GoldgateError):
    """The recipe is approved, rejected or withdrawn: it takes no more reviews."""

    code: ClassVar[str] = "recipe_closed"
    kind: ClassVar[Kind] = Kind.CONFLICT


class RecipeNotRead(GoldgateError):
    """The hash that was judged is not this recipe's."""

    code: ClassVar[str] = "recipe_not_read"
    kind: ClassVar[Kind] = Kind.CONFLICT


class RecipeNotApproved(GoldgateError):
    """There is no approval to take back."""

    code: ClassVar[str] = "recipe_not_approved"
    kind: ClassVar[Kind] = Kind.CONFLICT
