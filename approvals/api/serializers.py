"""What the API takes and gives of approvals."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from approvals import selectors
from approvals.domain.line import Outcome
from approvals.models import Certification, Packet, Proposal, Request, Review
from portal.serializers import StrictSerializer

OUTCOME_CHOICES = [(one.value, one.value) for one in Outcome]


class RequestOutput(serializers.Serializer[Request]):
    """What a team asked for, and the answer."""

    id = serializers.IntegerField()
    image = serializers.CharField(source="image_name")
    version = serializers.CharField(source="version_name")
    reason = serializers.CharField()
    team = serializers.CharField(source="team.name", default=None, allow_null=True)
    asked_by = serializers.CharField(source="asked_by.username")
    asked_at = serializers.DateTimeField()
    state = serializers.ChoiceField(choices=Request.State.choices)
    join_count = serializers.IntegerField(help_text="How many others need it too.")
    answer = serializers.CharField()
    answered_by = serializers.CharField(source="answered_by.username", default=None, allow_null=True)
    subversion = serializers.UUIDField(source="subversion_id", allow_null=True)
    proposals = serializers.SerializerMethodField(help_text="What was put before reviewers for it, newest first.")
    closed_at = serializers.DateTimeField(allow_null=True)

    @extend_schema_field(serializers.ListField(child=serializers.UUIDField()))
    def get_proposals(self, request: Request) -> list[str]:
        return [str(proposal.pk) for proposal in request.proposals.all()]


class RequestInput(StrictSerializer):
    image = serializers.CharField(max_length=100)
    version = serializers.CharField(max_length=128)
    reason = serializers.CharField(max_length=4000)
    team = serializers.UUIDField(required=False, allow_null=True, default=None)


class JoinInput(StrictSerializer):
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=4000)
    team = serializers.UUIDField(required=False, allow_null=True, default=None)


class AnswerInput(StrictSerializer):
    answer = serializers.CharField(max_length=4000)
    subversion = serializers.UUIDField(required=False, allow_null=True, default=None)


class LineOutput(serializers.Serializer[Any]):
    """One check of the policy's *certify* line."""

    code = serializers.CharField()
    outcome = serializers.ChoiceField(choices=OUTCOME_CHOICES)
    reason = serializers.CharField()
    remedy = serializers.CharField()
    digest = serializers.CharField(help_text="Of the child that decides, where it is one of several.")
    items = serializers.ListField(child=serializers.CharField())


class ReviewOutput(serializers.Serializer[Any]):
    """One person's judgement of one packet. It counts while ``packet_sha256`` is the proposal's current one."""

    id = serializers.UUIDField()
    reviewer = serializers.CharField(source="reviewer.username")
    outcome = serializers.ChoiceField(choices=Review.Outcome.choices)
    reason = serializers.CharField()
    packet_sha256 = serializers.CharField()
    is_current = serializers.SerializerMethodField()
    warnings = serializers.SerializerMethodField()
    decided_at = serializers.DateTimeField()

    @extend_schema_field(serializers.BooleanField())
    def get_is_current(self, review: Review) -> bool:
        return review.packet_id == review.proposal.current_packet_id

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_warnings(self, review: Review) -> list[str]:
        return [warning.text for warning in selectors.review_warnings(review.proposal, review)]


class ReviewInput(StrictSerializer):
    outcome = serializers.ChoiceField(choices=Review.Outcome.choices)
    packet_sha256 = serializers.RegexField(r"\A[0-9a-f]{64}\Z", help_text="Of the packet that was read.")
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=4000)


class ProposalOutput(serializers.Serializer[Proposal]):
    """A candidate before its reviewers."""

    id = serializers.UUIDField()
    subversion = serializers.UUIDField(source="subversion_id")
    name = serializers.CharField(source="subversion.__str__")
    digest = serializers.CharField(source="subversion.artifact.digest")
    proposed_by = serializers.CharField(source="proposed_by.username")
    source_author = serializers.CharField(source="source_author.username", default=None, allow_null=True)
    request = serializers.IntegerField(source="request_id", allow_null=True)
    note = serializers.CharField()
    state = serializers.ChoiceField(choices=Proposal.State.choices)
    packet_sha256 = serializers.CharField(source="current_packet.sha256", default=None, allow_null=True)
    opened_at = serializers.DateTimeField()
    closed_at = serializers.DateTimeField(allow_null=True)
    closed_reason = serializers.CharField()


class ProposalDetailOutput(ProposalOutput):
    """With what the policy says about it now, and every review."""

    reviewers_needed = serializers.IntegerField()
    verdict = LineOutput(many=True)
    reviews = ReviewOutput(many=True)


class ProposalInput(StrictSerializer):
    subversion = serializers.UUIDField()
    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=4000)
    source_author = serializers.CharField(required=False, allow_null=True, default=None, help_text="A user name.")


class ReasonInput(StrictSerializer):
    reason = serializers.CharField(max_length=4000)


class PacketOutput(serializers.Serializer[Packet]):
    """The frozen evidence; ``canonical`` are the very bytes that ``sha256`` names."""

    id = serializers.UUIDField()
    proposal = serializers.UUIDField(source="proposal_id")
    number = serializers.IntegerField()
    sha256 = serializers.CharField()
    canonical = serializers.CharField()
    created_at = serializers.DateTimeField()


class CertificationOutput(serializers.Serializer[Certification]):
    """Who certified which digest, on which packet, under which policy, until when."""

    id = serializers.UUIDField()
    subversion = serializers.UUIDField(source="subversion_id")
    name = serializers.CharField(source="subversion.__str__")
    digest = serializers.CharField(source="subversion.artifact.digest")
    repository = serializers.CharField(source="publication.target_repository.name")
    proposed_by = serializers.CharField(source="proposal.proposed_by.username")
    reviewers = serializers.SerializerMethodField()
    reviewers_needed = serializers.IntegerField()
    is_one_person = serializers.BooleanField(help_text="One pair of eyes, by a setting.")
    packet_sha256 = serializers.CharField(source="packet.sha256")
    packet = serializers.UUIDField(source="packet_id")
    policy_version = serializers.IntegerField(source="policy.version")
    policy_sha256 = serializers.CharField(source="policy.sha256")
    is_demo = serializers.BooleanField(source="policy.is_demo")
    unfixed = serializers.DictField(
        child=serializers.IntegerField(), help_text="Severity to vulnerabilities without a fix that were accepted."
    )
    begun_at = serializers.DateTimeField()
    starts_at = serializers.DateTimeField(allow_null=True)
    ends_at = serializers.DateTimeField(allow_null=True)
    failed_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    reason = serializers.CharField()

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_reviewers(self, certification: Certification) -> list[str]:
        return sorted(consumed.review.reviewer.username for consumed in certification.consumed.all())


class MovementOutput(serializers.Serializer[Any]):
    vulnerability_id = serializers.CharField()
    severity = serializers.CharField()
    fixed_version = serializers.CharField()
    is_known_exploited = serializers.BooleanField()


class DeltaOutput(serializers.Serializer[Any]):
    """What moved since the packet that was certified."""

    added = MovementOutput(many=True)
    removed = MovementOutput(many=True)


class VerdictOutput(serializers.Serializer[Any]):
    """What the policy's *certify* line says now, and what moved since the certificate."""

    lines = LineOutput(many=True)
    moved = DeltaOutput()


class SuspensionOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    subversion = serializers.UUIDField(source="subversion_id")
    reason = serializers.CharField()
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    lifted_at = serializers.DateTimeField(allow_null=True)


class RevocationOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    subversion = serializers.UUIDField(source="subversion_id")
    reason = serializers.CharField()
    revoked_at = serializers.DateTimeField()
