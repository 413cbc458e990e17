"""``reference``, ``registry``, ``known``: is it pinned, is it ours, have we ever looked at it?"""

from functools import lru_cache
from typing import NamedTuple

from gate.facts import ArtifactKind, DigestFacts
from gate.snapshot import Snapshot
from gate.verdict import FAIL, PASS, UNKNOWN, Check
from gate.words import short_digest, successor
from oci.errors import MalformedReference
from oci.reference import Reference, is_within

_IMAGE, _INDEX = ArtifactKind.IMAGE, ArtifactKind.INDEX
# Characters. A path has 255, a host 253, a tag 128, a digest 135; what is longer is neither read nor remembered.
MAX_REFERENCE = 1024
PINNED = Check("reference", PASS, "pinned by digest")
TRUSTED = Check("registry", PASS, "from a trusted repository")
KNOWN = Check("known", PASS, "recorded under this repository")


class Parsed(NamedTuple):
    """A reference as the checks need it; ``error`` is set when it is none, and then nothing else is."""

    name: str
    tag: str
    digest: str
    error: str
    cure: str


_TOO_LONG = Parsed("", "", "", f"it is no image reference: it is longer than {MAX_REFERENCE} characters", "")


def parsed(text: str) -> Parsed:
    """Read ``text`` with the one reference parser; only the canonical form is read."""
    return _parsed(text) if len(text) <= MAX_REFERENCE else _TOO_LONG


@lru_cache(maxsize=20_000)
def _parsed(text: str) -> Parsed:
    try:
        found = Reference.parse(text)
    except MalformedReference as error:
        return Parsed("", "", "", error.detail, error.cure)
    return Parsed(found.name, found.tag, str(found.digest or ""), "", "")


def check_reference(text: str, read: Parsed, snapshot: Snapshot) -> Check:
    """Canonical and pinned by digest; a tag is refused with the digest to write instead."""
    if not text:
        return Check("reference", UNKNOWN, "the image is empty", "Name an image by digest.")
    if read.error:
        return Check("reference", FAIL, read.error, read.cure)
    if read.digest:
        return PINNED
    instead = snapshot.instead_of(read.name, read.tag)
    remedy = f"Use {instead}." if instead else f"Write {read.name}@sha256:… with the digest you tested."
    return Check("reference", FAIL, f"the tag {read.tag or 'latest'} can move; no digest is given", remedy)


def check_registry(name: str, snapshot: Snapshot) -> Check:
    """Exact host and port, path on its boundaries: ``corp/base`` does not trust ``corp/base-evil``."""
    for trusted in snapshot.trusted_repositories:
        if is_within(name, trusted):
            return TRUSTED
    registry = name.partition("/")[0]
    return Check(
        "registry",
        FAIL,
        f"{registry} is not trusted for {name}",
        _cure_by_name(name, snapshot) or "Use an image from a trusted registry.",
    )


def check_known(name: str, facts: DigestFacts, snapshot: Snapshot) -> Check:
    """An artifact recorded under that repository, itself or by the index that lists it, and one that can run."""
    if facts.kind is not _IMAGE and facts.kind is not _INDEX:
        return Check("known", FAIL, f"this digest is known as {_article(facts.kind)}: it is never run")
    if facts.kind is _INDEX and not facts.members:
        return Check("known", UNKNOWN, "the index lists no image that we know to be runnable")
    if name in facts.repositories:
        return KNOWN
    places = set(facts.repositories)
    for digest in facts.member_of:
        index = snapshot.lookup(digest)
        if index is not None and facts.digest in index.members:
            if name in index.repositories:
                return KNOWN
            places.update(index.repositories)
    if not places:
        # It came as an archive, which says nothing of a repository.
        instead = successor(facts)
        cure = f"Use {instead}." if instead else f"Import it: goldgate import {name}@{facts.digest}."
        return Check("known", FAIL, "this digest is recorded under no repository", cure)
    return Check(
        "known",
        FAIL,
        f"this digest is recorded under {min(places)}, not under {name}",
        f"Use {min(places)}@{facts.digest}.",
    )


def unknown_digest(name: str, digest: str, snapshot: Snapshot) -> Check:
    """Nobody imported it."""
    return Check(
        "known",
        FAIL,
        f"{short_digest(digest)} was never imported",
        _cure_by_name(name, snapshot) or f"Import it: goldgate import {name}@{digest}.",
    )


def _cure_by_name(name: str, snapshot: Snapshot) -> str:
    instead = snapshot.instead_of(name)
    return f"Use {instead}." if instead else ""


def _article(kind: ArtifactKind) -> str:
    return "an attestation" if kind is ArtifactKind.ATTESTATION else "no image"
