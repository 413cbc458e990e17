"""The approvals' part of ``/api/v1``."""

from django.urls import path, re_path

from approvals.api import certificates, proposals, recipes, requests, waivers

_REQUEST = r"^requests/(?P<request_id>[0-9]{1,18})"

urlpatterns = [
    path("requests", requests.RequestsView.as_view(), name="requests"),
    re_path(_REQUEST + r"\Z", requests.RequestView.as_view(), name="request"),
    re_path(_REQUEST + r"/join\Z", requests.RequestJoinView.as_view(), name="request-join"),
    re_path(_REQUEST + r"/answer\Z", requests.RequestAnswerView.as_view(), name="request-answer"),
    re_path(_REQUEST + r"/withdraw\Z", requests.RequestWithdrawView.as_view(), name="request-withdraw"),
    path("proposals", proposals.ProposalsView.as_view(), name="proposals"),
    path("proposals/<uuid:proposal_id>", proposals.ProposalView.as_view(), name="proposal"),
    path("proposals/<uuid:proposal_id>/withdraw", proposals.ProposalWithdrawView.as_view(), name="proposal-withdraw"),
    path("proposals/<uuid:proposal_id>/reviews", proposals.ReviewsView.as_view(), name="reviews"),
    path("packets/<uuid:packet_id>", proposals.PacketView.as_view(), name="packet"),
    path("certifications/<uuid:certification_id>", certificates.CertificationView.as_view(), name="certification"),
    path(
        "subversions/<uuid:subversion_id>/certifications",
        certificates.CertificationsView.as_view(),
        name="certifications",
    ),
    path("subversions/<uuid:subversion_id>/verdict", certificates.VerdictView.as_view(), name="subversion-verdict"),
    path("subversions/<uuid:subversion_id>/suspend", certificates.SuspendView.as_view(), name="subversion-suspend"),
    path("subversions/<uuid:subversion_id>/lift", certificates.LiftView.as_view(), name="subversion-lift"),
    path("subversions/<uuid:subversion_id>/revoke", certificates.RevokeView.as_view(), name="subversion-revoke"),
    path("waivers", waivers.WaiversView.as_view(), name="waivers"),
    path("waivers/<uuid:grant_id>/give", waivers.WaiverGiveView.as_view(), name="waiver-give"),
    path("waivers/<uuid:grant_id>/refuse", waivers.WaiverRefuseView.as_view(), name="waiver-refuse"),
    path("waivers/<uuid:grant_id>/end", waivers.WaiverEndView.as_view(), name="waiver-end"),
    path("recipes/<uuid:recipe_id>/reviews", recipes.RecipeReviewsView.as_view(), name="recipe-reviews"),
    path("recipes/<uuid:recipe_id>/withdraw", recipes.RecipeWithdrawView.as_view(), name="recipe-withdraw"),
]
