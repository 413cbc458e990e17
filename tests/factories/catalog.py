"""Images, versions and subversions for tests.

SubversionFactory(now)                       # debian/12, a new build by a new artifact
SubversionFactory(now, version=version)
ArtifactFactory(now), IndexFactory(now, child, child)
"""

import itertools
from datetime import datetime

from accounts.roles import Role
from catalog import services
from catalog.models import Image, Subversion, Version
from registry.models import Artifact, ArtifactChild, Registry
from tests.factories.accounts import person_with

_number = itertools.count(1)


def ArtifactFactory(now: datetime, **fields: object) -> Artifact:  # noqa: N802
    """An image for linux/amd64 that runs as user 65532."""
    values = {
        "digest": f"sha256:{next(_number):064x}",
        "media_type": "application/vnd.oci.image.manifest.v1+json",
        "kind": "image",
        "manifest_bytes": 500,
        "size_bytes": 30_000_000,
        "architecture": "amd64",
        "os": "linux",
        "user": "65532",
        "created_at": now,
        **fields,
    }
    return Artifact.objects.create(**values)


def IndexFactory(now: datetime, *children: Artifact) -> Artifact:  # noqa: N802
    """An index that lists ``children`` as runnable."""
    index = ArtifactFactory(now, kind="index", media_type="application/vnd.oci.image.index.v1+json", user="")
    for position, child in enumerate(children):
        ArtifactChild.objects.create(
            index=index, child=child, kind="runnable", platform=child.platform, position=position
        )
    return index


def VersionFactory(now: datetime, name: str = "") -> Version:  # noqa: N802
    """A version, ``image/name``; without one an image of its own."""
    image_name, _, version_name = (name or f"debian-{next(_number)}/12").partition("/")
    person = person_with(Role.PLATFORM_ADMIN)
    image = Image.objects.filter(name=image_name).first() or services.create_image(
        name=image_name, created_by=person, now=now
    )
    return services.create_version(image=image, name=version_name, created_by=person, now=now)


def SubversionFactory(  # noqa: N802
    now: datetime, *, version: Version | None = None, artifact: Artifact | None = None, name: str = ""
) -> Subversion:
    """A candidate."""
    return services.add_subversion(
        version=version or VersionFactory(now),
        artifact=artifact or ArtifactFactory(now),
        created_by=person_with(Role.PLATFORM_ADMIN),
        now=now,
        name=name,
    )


def certified_side(now: datetime) -> Registry:
    """The registry that certified images go to."""
    found = Registry.objects.filter(side="certified").first()
    return found or Registry.objects.create(
        name="certified",
        kind="layout",
        side="certified",
        host="registry.example",
        path_prefix="golden",
        layout_path="certified",
        public_name="registry.example/golden",
        created_at=now,
    )
