"""What every FROM, ``COPY --from`` and mount stands for at a moment: certified, adopted, a stage, scratch, or refused.

The rules, for what is no stage and not ``scratch``:

1. A digest of the catalog is judged by its state: withdrawn, rejected and not yet certified ones are refused.
2. It counts under the repository that was certified, or under the catalog's own short name.
3. Without a digest, ``debian:12`` and ``<certified repository>:12`` are the certified build of that version now.
4. A release past its support is refused where the policy refuses it, also when it is certified.
5. An image for building is no base of what runs: refused where the final image stands on it.
6. The platform's own base recipes may also stand on an image that was imported, by digest, from a trusted registry.
7. Everything else is refused, naming the nearest certified image.
8. What the policy's list of names reaches is refused, certified or not: by the name that is written, by what a short
   name means to Docker where it is no certified image here, and by the repository that it stands for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from builds.domain.bases import SCRATCH, BaseKind, BaseUse, ResolvedBase, Use, Why, base_uses
from builds.domain.dockerfile import Dockerfile
from builds.domain.nearest import Candidate, Nearest, nearest
from catalog import selectors as catalog
from catalog.domain.state import State
from catalog.errors import NoSuchImage
from catalog.models import Image, Subversion
from oci.digest import Digest
from oci.errors import MalformedDigest, MalformedReference
from oci.reference import Completion, Reference
from policies import selectors as policies
from policies.domain.document import Action, DeniedBase, PolicyDocument, first_reaching
from registry import selectors as registry
from registry.errors import ArtifactUnknown
from registry.models import Artifact
from scans import selectors as scans
from scans.domain.support import Support, support_on
from scans.selectors.feeds import support_dates

MAX_NAMED = 5  # versions named in a sentence


def resolve_bases(
    dockerfile: Dockerfile,
    *,
    arguments: Mapping[str, str],
    is_base_recipe: bool,
    now: datetime,
    target: str = "",
    platforms: Sequence[str] = (),
    recorded: Mapping[tuple[int, str], str] | None = None,
) -> list[ResolvedBase]:
    """Every place by line, each with what it stands for at ``now``. Reads only. Raises DockerfileMalformed.

    ``recorded``: what a name on a line stood for before (line and name as asked to ``host/path@digest``); it is judged
    instead of what the name stands for now.
    """
    looker = _Looker(is_base_recipe=is_base_recipe, now=now, recorded=recorded or {})
    uses = base_uses(dockerfile, arguments, target=target, platforms=platforms)
    return [_resolved(use, looker) for use in uses]


def _resolved(use: BaseUse, looker: "_Looker") -> ResolvedBase:
    found = ResolvedBase(
        asked=use.asked,
        stage=use.stage,
        line=use.line,
        kind=BaseKind.REFUSED,
        use=use.use,
        written=use.written,
        is_final=use.is_final,
    )
    if use.refusal:
        return replace(found, reason=use.refusal, why=Why.AMBIGUOUS)
    if use.stage_found is not None:
        return replace(found, kind=BaseKind.STAGE, reason=f"The stage {use.stage_found} of this Dockerfile.")
    if use.use is Use.FROM and use.asked == SCRATCH:
        return replace(found, kind=BaseKind.SCRATCH, reason="Nothing: it begins empty.")
    return looker.look_up(found, use)


@dataclass(frozen=True)
class _Asked:
    """A reference that a Dockerfile names."""

    text: str
    name: str  # host/path, "" where it is a short name
    path: str  # what tells the image: the path without a host, or the short name
    tag: str
    digest: str

    @property
    def is_short(self) -> bool:
        return not self.name


@dataclass(frozen=True)
class _Looker:
    is_base_recipe: bool
    now: datetime
    recorded: Mapping[tuple[int, str], str]

    @cached_property
    def entries(self) -> list[catalog.Entry]:
        return catalog.approved_list(self.now)

    @cached_property
    def policy(self) -> PolicyDocument:
        return policies.document_of(policies.active_policy(self.now))

    @cached_property
    def is_end_of_life_refused(self) -> bool:
        return self.policy.certify.end_of_life is Action.REFUSE

    def look_up(self, found: ResolvedBase, use: BaseUse) -> ResolvedBase:
        try:
            named = _asked(use.asked)
            asked = named if named.digest else _asked(self.recorded.get((use.line, use.asked), use.asked))
        except (MalformedReference, MalformedDigest) as error:
            return replace(found, why=Why.MALFORMED, reason=f"It is no reference: {error.detail}")
        found = replace(found, is_pinned=bool(named.digest))
        judged = self._by_digest(found, asked) if asked.digest else self._by_name(found, asked)
        denied = self._denied(judged, named, asked)
        if denied is not None:
            return self._refused_by_name(judged, denied, use)
        if judged.is_refused:
            judged = judged if judged.why else self._uncertified(judged, asked)
            return self._with_suggestion(judged, asked, use)
        return judged

    def _denied(self, judged: ResolvedBase, named: _Asked, asked: _Asked) -> DeniedBase | None:
        """The entry of the policy's list that reaches what is written, or what it stands for."""
        denied = self.policy.denied_bases
        if not denied:
            return None
        tags = [one.tag for one in (named, asked) if one.tag]
        if judged.subversion:
            subversion = catalog.subversion_by_id(judged.subversion)
            tags += [subversion.version.name, subversion.name]
        names = [one.name for one in (named, asked) if one.name]
        if judged.reference:
            names.append(judged.reference.partition("@")[0])
        elif named.is_short:
            names.append(str(Reference.parse(named.path, completion=Completion.DOCKER).name))
        if judged.digest and not tags:
            tags = _tags_of(judged.digest, names)
        return next((one for name in names if (one := first_reaching(denied, name, tags))), None)

    def _refused_by_name(self, judged: ResolvedBase, denied: DeniedBase, use: BaseUse) -> ResolvedBase:
        instead = f" Use {denied.instead}." if denied.instead else ""
        reason = f"Nobody begins from {denied.name}: {denied.reason.rstrip('.')}.{instead}"
        line = self._line_instead(denied, use)
        refused = replace(judged, kind=BaseKind.REFUSED, why=Why.DENIED, reason=reason, suggestion=line)
        return replace(refused, reference="", fix="", warning="")

    def _line_instead(self, denied: DeniedBase, use: BaseUse) -> str:
        """A ready line with what the policy names, as its certified digest where it is one of ours."""
        try:
            asked = _asked(denied.instead)
        except (MalformedReference, MalformedDigest):
            return ""  # words, or nothing
        nothing = ResolvedBase(asked=denied.instead, stage=0, line=0, kind=BaseKind.REFUSED)
        found = self._by_digest(nothing, asked) if asked.digest else self._by_name(nothing, asked)
        return "" if found.is_refused else _line(use, found.reference)

    def _by_digest(self, found: ResolvedBase, asked: _Asked) -> ResolvedBase:
        found = replace(found, digest=asked.digest)
        subversion = catalog.subversion_by_digest(asked.digest)
        if subversion is None:
            return self._adopted(found, asked)
        view = catalog.state_of(subversion, self.now)
        if view.state is State.CANDIDATE:
            adopted = self._adopted(found, asked)
            if not adopted.is_refused:
                return adopted
        if not view.is_usable:
            titled = replace(found, title=_title(subversion), subversion=str(subversion.pk))
            why = Why.UNCERTIFIED if view.state is State.CANDIDATE else Why.WITHDRAWN
            return replace(titled, reason=f"{_title(subversion)}: {view.sentence}", why=why)
        is_named = asked.name == subversion.certified_repository
        is_short_named = asked.is_short and asked.path == subversion.version.image.name
        if not is_named and not is_short_named:
            adopted = self._adopted(found, asked)
            if not adopted.is_refused:
                return adopted
            pinned = f"{subversion.certified_repository}@{asked.digest}"
            reason = f"This digest is certified in {subversion.certified_repository}, not under this name."
            return replace(found, reason=reason, fix=pinned, title=_title(subversion))
        return self._certified(found, subversion, asked.digest)

    def _by_name(self, found: ResolvedBase, asked: _Asked) -> ResolvedBase:
        if asked.is_short:
            same = [entry for entry in self.entries if entry.subversion.version.image.name == asked.path]
        else:
            same = [entry for entry in self.entries if entry.subversion.certified_repository == asked.name]
        if not same:
            return replace(found, reason=self._why_unknown(asked))
        if asked.tag:
            names = (asked.tag,)
            same = [one for one in same if one.subversion.version.name in names or one.subversion.name in names]
            if not same:
                return replace(found, reason=self._why_no_version(asked))
        versions = sorted({str(entry.subversion.version) for entry in same})
        if len(versions) > 1:
            named = ", ".join(versions[:MAX_NAMED])
            return replace(found, reason=f"It names no version, and several are certified: {named}.")
        best = min(same, key=lambda entry: entry.view.state is not State.CERTIFIED)
        return self._certified(found, best.subversion, best.subversion.certified_digest)

    def _certified(self, found: ResolvedBase, subversion: Subversion, digest: str) -> ResolvedBase:
        view = catalog.state_of(subversion, self.now)
        reference = f"{subversion.certified_repository}@{digest}"
        found = replace(
            found,
            reference=reference,
            digest=digest,
            artifact=str(subversion.artifact_id),
            subversion=str(subversion.pk),
            title=_title(subversion),
            user=subversion.artifact.user,
            fix="" if found.is_pinned and found.asked == reference else reference,
        )
        if ended := self._end_of_life(subversion.artifact):
            return replace(found, reason=ended, fix="", why=Why.END_OF_LIFE)
        if found.is_final and subversion.version.image.purpose == Image.Purpose.BUILD:
            reason = f"{subversion.version.image.name} is an image for building: good in earlier stages alone."
            return replace(found, reason=reason, fix="", why=Why.BUILD_PURPOSE)
        warning = ""
        if view.state is State.RETIRING:
            warning = f"{_title(subversion)}: {view.sentence}"
            successor = catalog.successor_of(subversion, self.now)
            if successor is not None:
                found = replace(found, fix=f"{successor.certified_repository}@{successor.certified_digest}")
        return replace(found, kind=BaseKind.CERTIFIED, reason=f"Certified: {_title(subversion)}.", warning=warning)

    def _adopted(self, found: ResolvedBase, asked: _Asked) -> ResolvedBase:
        """An upstream image that was imported: for base recipes alone."""
        if not self.is_base_recipe:
            return replace(found, reason="It is not certified.")
        try:
            artifact = registry.artifact_by_digest(asked.digest)
        except ArtifactUnknown:
            return replace(found, reason="Nobody imported it: its digest is not known here.")
        name = asked.name or str(Reference.parse(asked.path, completion=Completion.DOCKER).name)
        places = [place for place in registry.repositories_of(artifact) if place.name == name]
        trusted = [place for place in places if place.registry.is_trusted and place.registry.side == "source"]
        if not places:
            return replace(found, reason=f"It was never imported from {name}.")
        if not trusted:
            return replace(found, reason=f"{places[0].registry} is no trusted source registry.")
        found = replace(found, reference=f"{name}@{asked.digest}", artifact=str(artifact.pk), title=f"{name}, imported")
        if ended := self._end_of_life(artifact):
            return replace(found, reason=ended, why=Why.END_OF_LIFE)
        return replace(found, kind=BaseKind.ADOPTED, reason=f"Adopted: imported from {trusted[0].registry}.")

    def _end_of_life(self, artifact: Artifact) -> str:
        scan = scans.latest_scan(artifact)
        if scan is None or not self.is_end_of_life_refused:
            return ""
        judged = scans.scan_state_at(scan, self.now, None)
        if str(judged.support) != "ended":
            return ""
        on = f" on {judged.support_ends_on}" if judged.support_ends_on else ""
        return f"The support of its release ended{on}."

    def _uncertified(self, found: ResolvedBase, asked: _Asked) -> ResolvedBase:
        """Not certified; and where its name is that of a release past its support, that is the reason to tell."""
        release = (asked.path.rpartition("/")[2], asked.tag.partition("-")[0])
        dates = support_dates({release}).get(release) if all(release) else None
        if dates is None or support_on(dates, self.now) is not Support.ENDED:
            return replace(found, why=Why.UNCERTIFIED)
        on = f" on {dates.ends_on}" if dates.ends_on else ""
        reason = f"The support of {dates.product} {dates.cycle} ended{on}. {found.reason}"
        return replace(found, why=Why.END_OF_LIFE, reason=reason)

    def _why_unknown(self, asked: _Asked) -> str:
        if asked.is_short:
            try:
                image = catalog.image_by_name(asked.path)
            except NoSuchImage:
                return f"There is no {asked.path[:100]} in the catalog."
            return self._why_no_version(asked, image) if asked.tag else f"No version of {image} is certified now."
        return f"{asked.name[:300]} is no repository of certified images, and the image is not pinned by digest."

    def _why_no_version(self, asked: _Asked, image: Image | None = None) -> str:
        name = image.name if image else asked.path.rpartition("/")[2]
        _, told = catalog.current_and_history(f"{name}/{asked.tag}", self.now)
        if told:
            return f"{_title(told[0].subversion)}: {told[0].view.sentence}"
        return f"{name[:100]} has no version {asked.tag[:100]} that is certified."

    def _with_suggestion(self, found: ResolvedBase, asked: _Asked, use: BaseUse) -> ResolvedBase:
        if found.fix:
            return replace(found, suggestion=_line(use, found.fix))
        best = self._nearest(found, asked)
        if best is None:
            return replace(found, suggestion="")
        key = best.candidate.key
        return replace(found, suggestion=_line(use, key), fix=key if best.is_same else "")

    def _nearest(self, found: ResolvedBase, asked: _Asked) -> Nearest | None:
        path, tag = asked.path, asked.tag
        if found.subversion:
            version = catalog.subversion_by_id(found.subversion).version
            path, tag = version.image.name, version.name
        candidates = [
            Candidate(
                image=one.subversion.version.image.name,
                version=one.subversion.version.name,
                is_runtime=one.subversion.version.image.purpose == Image.Purpose.RUNTIME,
                size_bytes=one.subversion.artifact.size_bytes,
                is_retiring=one.view.state is State.RETIRING,
                key=f"{one.subversion.certified_repository}@{one.subversion.certified_digest}",
            )
            for one in self.entries
            if str(one.subversion.pk) != found.subversion
        ]
        return nearest(path, tag, candidates, is_runtime_only=found.is_final)


def _asked(text: str) -> _Asked:
    """Reads a reference. Raises MalformedReference; MalformedDigest."""
    found = Reference.parse(text, completion=Completion.DOCKER)
    digest = str(found.digest) if found.digest else ""
    if digest:
        Digest.parse(digest)
    first = text.partition("/")[0] if "/" in text else ""
    has_host = "." in first or ":" in first or first == "localhost" or first != first.lower()
    if has_host:
        return _Asked(text, found.name, found.repository, found.tag, digest)
    short = text.partition("@")[0]
    path = short.rpartition(":")[0] if ":" in short else short
    return _Asked(text, "", path, found.tag, digest)


def _tags_of(digest: str, names: Sequence[str]) -> list[str]:
    """Under which tags of these repositories a digest was ever seen: what is pinned by digest is the same image."""
    try:
        artifact = registry.artifact_by_digest(digest)
    except ArtifactUnknown:
        return []
    seen = artifact.tags_seen.select_related("repository__registry")
    return [one.tag for one in seen if one.repository.name in names]


def _title(subversion: Subversion) -> str:
    return f"{subversion.version} {subversion.name}"


def _line(use: BaseUse, reference: str) -> str:
    match use.use:
        case Use.FROM:
            return f"FROM {reference} AS {use.name}" if use.name else f"FROM {reference}"
        case Use.COPY:
            return f"--from={reference}"
        case Use.MOUNT:
            return f"from={reference}"
