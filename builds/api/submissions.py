"""Submissions of pipelines elsewhere, over REST. The token is verified before the body is read."""

from typing import Any
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import APIView

from builds.domain.oidc import TokenRefused
from builds.errors import SubmissionRefused
from builds.models import Submission
from builds.selectors.pipelines import submissions_of
from builds.selectors.sources import source_by_id
from builds.services.submissions import SubmittedImage, VerifiedToken, note_refusal, submit, verify_token
from core.errors import FieldError
from oci.reference import Reference
from portal.paging import PAGE_PARAMETERS, page, paged, refuse_unknown_parameters
from portal.serializers import StrictSerializer

REALM = "goldgate submissions"


class PipelineAuthentication(BaseAuthentication):
    """``Authorization: Bearer <JWT>`` of an OIDC issuer that the source named in the address trusts.

    Never a session, never a service token: those are other tokens, and refused like any foreign one.
    """

    def authenticate(self, request: Request) -> tuple[AnonymousUser, VerifiedToken]:
        """Raises AuthenticationFailed (401); IssuerUnavailable (503); SourceMissing (404)."""
        source = source_by_id(request.parser_context["kwargs"]["source_id"])
        scheme, _, text = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        now = timezone.now()
        if scheme.lower() != "bearer" or not text.strip():
            note_refusal(source=source, code="token_missing", detail="There is no bearer token.", claims={}, now=now)
            raise AuthenticationFailed("Send the pipeline's OIDC token as a bearer token.", code="token_missing")
        try:
            return AnonymousUser(), verify_token(source=source, text=text.strip(), now=now)
        except TokenRefused as refused:
            raise AuthenticationFailed(refused.detail, code=str(refused.refusal)) from refused

    def authenticate_header(self, request: Request) -> str:
        return f'Bearer realm="{REALM}", error="invalid_token"'


class SubmissionInput(StrictSerializer):
    """An image in a listed registry, by digest, and who built it."""

    reference = serializers.CharField(
        max_length=600, required=False, help_text="HOST/PATH@sha256:…; or repository and digest."
    )
    repository = serializers.CharField(max_length=400, required=False, help_text="HOST/PATH, without a tag.")
    digest = serializers.CharField(max_length=135, required=False)
    provenance = serializers.DictField(
        help_text="SLSA provenance v1 as an in-toto Statement, as a DSSE envelope or as a Sigstore bundle; 1 MiB."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """One way of naming the image, not two."""
        is_whole = "reference" in attrs
        parts = [name for name in ("repository", "digest") if name in attrs]
        if is_whole == bool(parts) or len(parts) == 1:
            raise serializers.ValidationError("Give reference, or repository and digest.", code="invalid")
        return attrs


class SubmissionOutput(serializers.ModelSerializer[Submission]):
    """What a pipeline submitted, and the build that it became."""

    build = serializers.UUIDField(source="build_id")
    state = serializers.CharField(source="build.state")
    kind = serializers.CharField(source="pipeline.kind")
    issuer = serializers.CharField(source="pipeline.issuer")
    subject = serializers.CharField(source="pipeline.subject")
    claims = serializers.DictField(help_text="What the token said; verified.")

    class Meta:
        model = Submission
        fields = [
            "id", "at", "build", "state", "kind", "issuer", "subject", "reference", "commit", "source_uri", "claims",
            "statement_digest",
        ]  # fmt: skip


class SourceSubmissionsView(APIView):
    def get_authenticators(self) -> list[BaseAuthentication]:
        """A pipeline submits with its own token; people read as they read everything."""
        if self.request is not None and self.request.method == "POST":
            return [PipelineAuthentication()]
        classes: Any = api_settings.DEFAULT_AUTHENTICATION_CLASSES
        return [found() for found in classes]

    @extend_schema(operation_id="submissions_list", parameters=PAGE_PARAMETERS, responses=paged(SubmissionOutput))
    def get(self, request: Request, source_id: UUID) -> Response:
        """What pipelines submitted to a source, newest first."""
        found = submissions_of(source_by_id(source_id))
        return page(request, found, order=("-at", "-id"), serializer=SubmissionOutput)

    @extend_schema(
        operation_id="submissions_add",
        request=SubmissionInput,
        responses={202: SubmissionOutput},
        auth=[{"pipeline": []}],  # type: ignore[list-item]
    )
    def post(self, request: Request, source_id: UUID) -> Response:
        """Submit an image that was built elsewhere; a job imports it and makes it a candidate."""
        refuse_unknown_parameters(request)
        wanted = SubmissionInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        verified: Any = request.auth  # a VerifiedToken, by PipelineAuthentication
        try:
            build = submit(source=source_by_id(source_id), verified=verified, image=_image(wanted), now=timezone.now())
        except TokenRefused as refused:
            raise SubmissionRefused(
                refused.detail, errors=[FieldError("/authorization", str(refused.refusal), refused.detail)]
            ) from refused
        made = submissions_of(build.source).get(build=build)
        return Response(SubmissionOutput(made).data, status=status.HTTP_202_ACCEPTED)


def _image(wanted: SubmissionInput) -> SubmittedImage:
    found = wanted.validated_data
    if "reference" not in found:
        return SubmittedImage(found["repository"], found["digest"], found["provenance"])
    parsed = Reference.parse(found["reference"])
    digest = str(parsed.digest) if parsed.digest else ""
    return SubmittedImage(found["reference"].partition("@")[0], digest, found["provenance"])
