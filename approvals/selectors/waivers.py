"""What a waiver's scope names: rooms above policies know what stands behind its words."""

from django.db.models import Q, QuerySet

from builds.models import Build
from catalog.models import Subversion
from policies.models import Grant
from registry.models import ArtifactChild


def subversions_reached(grant: Grant) -> QuerySet[Subversion]:
    """Every subversion that ``grant`` may let pass something of: its version's, its source's, or that digest's.

    The digest of one image reaches the indexes that list it; what of them it lets pass is the reader's to say.
    """
    match Grant.ScopeKind(grant.scope_kind):
        case Grant.ScopeKind.VERSION:
            image, _, version = grant.scope.partition("/")
            reached = Q(version__image__name=image, version__name=version)
        case Grant.ScopeKind.SOURCE:
            made = Build.objects.filter(source__name=grant.scope, purpose=Build.Purpose.RENEWAL)
            reached = Q(pk__in=made.filter(subversion__isnull=False).values("subversion_id"))
        case Grant.ScopeKind.DIGEST:
            listing = ArtifactChild.objects.filter(child__digest=grant.scope, kind="runnable")
            reached = Q(artifact__digest=grant.scope) | Q(artifact_id__in=listing.values("index_id"))
    return Subversion.objects.filter(reached)
