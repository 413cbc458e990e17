"""Sources: added, changed, fetched. A fetch ends as a recipe, or says what is wrong with the repository."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.models import Person
from audit.actor import Actor
from audit.services import record
from audit.verbs import Verb
from builds.adapters.git import git_settings
from builds.adapters.git_addresses import place, place_problem
from builds.adapters.git_signatures import Signature, verify_commit
from builds.adapters.git_trees import Fetched, fetch, read_exactly
from builds.domain.dockerfile import DockerfileMalformed, parse
from builds.domain.dockerignore import IgnoreMalformed, is_ignored, parse_dockerignore
from builds.domain.recipe import LINK_MODE, MAX_DOCKERFILE_BYTES, Entry, tree_problem
from builds.domain.source_fields import field_problems
from builds.domain.source_url import parse_url
from builds.errors import CommitUnsigned, SourceInvalid, SourceNamedByWaiver, SourceRefused, SourceTaken
from builds.models import Recipe, Source
from builds.selectors.sources import source_by_id, source_subject
from builds.services.bases import resolve_bases
from builds.services.checks import check_recipe
from builds.services.contexts import pack_context
from builds.services.recipes import Found, keep_recipe
from builds.services.schedules import ensure_schedules
from catalog.models import Version
from core.errors import FieldError
from policies import selectors as policies
from policies.domain.grants import state_at
from policies.models import Grant
from registry.models import Repository
from registry.services.progress import Report, silent
from scans.adapters.scratch import scratch

WORKER = Actor.system("worker")
MAX_FAILURE_LENGTH = 1000
IGNORE_FILE = ".dockerignore"


@dataclass(frozen=True, slots=True)
class SourceFields:
    """What a person says of a source. ``version`` is fixed once it is added."""

    name: str
    version: Version
    url: str
    ref_rule: str
    owner: Person
    directory: str = ""
    dockerfile: str = "Dockerfile"
    arguments: dict[str, str] = field(default_factory=dict)
    target: str = ""
    platforms: Sequence[str] = ("linux/amd64",)
    builder: str = Source.Builder.BUILDAH
    network: str = Source.Network.NONE
    allowed_hosts: Sequence[str] = ()
    candidate_repository: Repository | None = None
    is_base_recipe: bool = False
    is_signature_required: bool = False
    allowed_signers: str = ""
    gpg_keys: str = ""
    known_hosts: str = ""
    renew_every_days: int = 7
    is_paused: bool = False

    def columns(self) -> dict[str, Any]:
        """As the row has them."""
        found = {one.name: getattr(self, one.name) for one in fields(self)}
        return found | {"platforms": list(self.platforms), "allowed_hosts": list(self.allowed_hosts)}


def add_source(*, wanted: SourceFields, created_by: Person, now: datetime, actor: Actor | None = None) -> Source:
    """Add a source of a version. Raises SourceInvalid, naming each field; SourceTaken."""
    columns = _checked(wanted)
    with _names_taken(), transaction.atomic():
        made = Source.objects.create(**columns, created_at=now, created_by=created_by)
        _record(Verb.SOURCE_ADDED, made, actor=actor or created_by.as_actor(), now=now, changed=sorted(columns))
        ensure_schedules()
    return made


def change_source(*, source: Source, wanted: SourceFields, actor: Actor, now: datetime, reason: str = "") -> Source:
    """Change a source; its version stays. What was built and approved stays what it was: the next fetch finds another
    recipe where something that decides the result changed. ``reason`` is kept in the record.

    Raises SourceInvalid, naming each field; SourceTaken; SourceNamedByWaiver (renamed under a waiver).
    """
    columns = _checked(wanted)
    del columns["version"]
    with _names_taken(), transaction.atomic():
        row = Source.objects.select_for_update(of=("self",)).get(pk=source.pk)
        changed = sorted(name for name, value in columns.items() if getattr(row, name) != value)
        if "name" in changed:
            _require_no_waiver(row.name, now)
        why = {"reason": reason} if reason else {}
        more = why | (_owners(row.owner, wanted.owner) if "owner" in changed else {})
        for name in changed:
            setattr(row, name, columns[name])
        if changed:
            row.save(update_fields=changed)
            _record(Verb.SOURCE_CHANGED, row, actor=actor, now=now, changed=changed, **more)
    return source_by_id(source.pk)


@transaction.atomic
def hand_over_source(*, source: Source, owner: Person, reason: str, actor: Actor, now: datetime) -> Source:
    """Have ``owner`` answer for a source from now on. What was built keeps who proposed it; and whoever hands it over
    changed the source, so reviews none of its next recipes.

    Nothing else of the source is judged: one whose repository is listed no more can be handed over, too.
    Raises SourceInvalid, naming the field: a closed account, who owns it already, no reason.
    """
    row = Source.objects.select_for_update(of=("self",)).select_related("owner").get(pk=source.pk)
    wrong = []
    if not owner.is_active:
        wrong.append(FieldError("/owner", "owner_closed", "The owner's account is closed."))
    if owner.pk == row.owner_id:
        wrong.append(FieldError("/owner", "owner_same", f"{owner} owns it already."))
    if not reason.strip():
        wrong.append(FieldError("/reason", "required", "Say why: it is kept in the record."))
    if wrong:
        raise SourceInvalid(" ".join(one.detail for one in wrong), errors=wrong)
    more = _owners(row.owner, owner) | {"reason": reason}
    row.owner = owner
    row.save(update_fields=["owner"])
    _record(Verb.SOURCE_CHANGED, row, actor=actor, now=now, changed=["owner"], **more)
    return source_by_id(source.pk)


@transaction.atomic
def ask_fetch(*, source: Source, actor: Actor, now: datetime) -> None:
    """Have a job fetch the source."""
    _record(Verb.SOURCE_FETCH_ASKED, source, actor=actor, now=now, changed=[])


def fetch_source(source_id: UUID | str, *, now: datetime, progress: Report = silent) -> Recipe:
    """Fetch what the source's ref rule names now, and keep it as a recipe; the same content gives the same recipe.

    Raises: SourceMissing; SourceRefused (where it lies, how it answers, what it holds); SourceUnavailable;
    CommitUnsigned; ParserFailed; and what ``progress`` raises.
    """
    source = source_by_id(source_id)
    progress(text="Fetching.")
    with scratch("source-") as work:
        found = _found(source, work, now=now, progress=progress)
    recipe, is_made = keep_recipe(source=source, found=found, now=now)
    if recipe.checked_at is None:
        # Before anybody hears of it: a build that began at once would else see no failed check.
        check_recipe(recipe, now)
    return _told(source.pk, recipe, found.commit.id, is_made=is_made, now=now)


@transaction.atomic
def fail_fetch(*, source_id: UUID | str, failure: str, now: datetime) -> None:
    """Say on the source why its last fetch brought nothing."""
    source = Source.objects.select_for_update(of=("self",), no_key=True).get(pk=source_id)
    source.last_failure = failure[:MAX_FAILURE_LENGTH]
    source.save(update_fields=["last_failure"])
    data = {"failure": source.last_failure}
    record(Verb.SOURCE_FETCH_FAILED, actor=WORKER, subject=source_subject(source), at=now, data=data)


@transaction.atomic
def _told(source_id: UUID, recipe: Recipe, commit: str, *, is_made: bool, now: datetime) -> Recipe:
    source = Source.objects.select_for_update(of=("self",), no_key=True).get(pk=source_id)
    # A fetch that died after it kept the recipe and before it said so: the next one says that it is new.
    is_new = is_made or source.last_fetched_at is None or recipe.created_at > source.last_fetched_at
    source.last_commit, source.last_fetched_at, source.last_failure = commit, now, ""
    source.save(update_fields=["last_commit", "last_fetched_at", "last_failure"])
    data = {"recipe": str(recipe.pk), "sha256": recipe.sha256, "commit": commit, "is_new": is_new}
    record(Verb.SOURCE_FETCHED, actor=WORKER, subject=source_subject(source), at=now, data=data)
    return recipe


def _found(source: Source, work: Path, *, now: datetime, progress: Report) -> Found:
    def check() -> None:
        progress()

    allowed = git_settings()
    where = place(source.url, known_hosts=source.known_hosts, allowed=allowed)
    fetched = fetch(work, where, source.ref_rule, allowed=allowed, check=check)
    signature = _judged(source, fetched, work, now, check)
    progress(text=f"Reading the tree of {fetched.commit.id[:12]}.")
    entries = fetched.entries(source.directory)
    dockerfile = _text_of(fetched, _dockerfile_entry(source, entries), check)
    kept = _not_ignored(source, fetched, entries, check)
    if problem := tree_problem(kept):
        raise SourceRefused(problem, cure="Change it in the repository, or name the files in .dockerignore.")
    blobs, contents = fetched.contents(kept, check)
    context = pack_context(blobs, contents, work=work, check=check)
    return Found(
        url=source.url,
        directory=source.directory,
        dockerfile_path=source.dockerfile,
        commit=fetched.commit,
        signature=signature,
        dockerfile=dockerfile,
        context=context,
        arguments={str(name): str(value) for name, value in source.arguments.items()},
        target=source.target,
        platforms=list(source.platforms),
        bases=_bases(source, dockerfile, now),
        allowed_hosts=sorted(source.allowed_hosts) if source.network == Source.Network.LISTED else [],
    )


def _judged(source: Source, fetched: Fetched, work: Path, now: datetime, check: Callable[[], None]) -> Signature:
    signature = verify_commit(
        fetched.commit.body,
        allowed_signers=source.allowed_signers,
        gpg_keys=source.gpg_keys,
        work=work,
        now=now,
        check=check,
    )
    if source.is_signature_required and signature.state != "verified":
        raise CommitUnsigned(
            f"The commit {fetched.commit.id[:12]} is not signed by somebody the source lists. {signature.detail}",
            cure="Sign it with a key of the source's list, or have the key added to the list.",
        )
    return signature


def _dockerfile_entry(source: Source, entries: Sequence[Entry]) -> Entry:
    found = next((entry for entry in entries if entry.path == source.dockerfile), None)
    where = f"{source.directory}/{source.dockerfile}" if source.directory else source.dockerfile
    if found is None:
        raise SourceRefused(f"The commit holds no {where}.", cure="Change the source's directory or Dockerfile.")
    if found.mode == LINK_MODE or found.size > MAX_DOCKERFILE_BYTES:
        raise SourceRefused(f"{where} is a link, or has more than {MAX_DOCKERFILE_BYTES} bytes.", cure="Write a file.")
    return found


def _text_of(fetched: Fetched, entry: Entry, check: Callable[[], None]) -> bytes:
    blobs, (content,) = fetched.contents([entry], check)
    with blobs.open("rb") as file:
        file.seek(content.offset)
        body = b"".join(read_exactly(file, content.size))
    try:
        if "\0" not in body.decode():
            return body
    except UnicodeDecodeError:
        pass
    raise SourceRefused(f"{entry.path} is not a text in UTF-8.", cure="Write it as one.")


def _not_ignored(source: Source, fetched: Fetched, entries: Sequence[Entry], check: Callable[[], None]) -> list[Entry]:
    """The context: what BuildKit would send. The Dockerfile's own list of exceptions goes before the common one."""
    by_path = {entry.path: entry for entry in entries if entry.mode != LINK_MODE}
    chosen = by_path.get(f"{source.dockerfile}{IGNORE_FILE}") or by_path.get(IGNORE_FILE)
    if chosen is None:
        return list(entries)
    if chosen.size > MAX_DOCKERFILE_BYTES:
        raise SourceRefused(f"{chosen.path} has more than {MAX_DOCKERFILE_BYTES} bytes.", cure="Write fewer patterns.")
    try:
        patterns = parse_dockerignore(_text_of(fetched, chosen, check))
    except IgnoreMalformed as error:
        raise SourceRefused(f"{chosen.path} cannot be read. {error}", cure="Change that line.") from None
    return [entry for entry in entries if not is_ignored(entry.path, patterns)]


def _bases(source: Source, dockerfile: bytes, now: datetime) -> list[dict[str, Any]]:
    try:
        found = resolve_bases(
            parse(dockerfile),
            arguments=source.arguments,
            is_base_recipe=source.is_base_recipe,
            now=now,
            target=source.target,
            platforms=source.platforms,
        )
    except DockerfileMalformed as error:
        raise SourceRefused(f"The Dockerfile cannot be read. {error.detail}", cure=error.cure) from error
    return [base.as_json() for base in found]


def _checked(wanted: SourceFields) -> dict[str, Any]:
    """The columns, when every one is right and the place is one that the operator lists. Raises SourceInvalid."""
    columns = wanted.columns()
    wrong: list[FieldError] = field_problems(columns)
    if not any(one.pointer == "/url" for one in wrong):
        problem = place_problem(parse_url(wanted.url), git_settings())
        if problem:
            wrong.append(FieldError("/url", "place_not_listed", problem))
        elif wanted.url.startswith("ssh://") and not wanted.known_hosts.strip():
            cure = "Write down the host's public key, as a line of known_hosts."
            wrong.append(FieldError("/known_hosts", "known_hosts_missing", cure))
    if wanted.candidate_repository is not None and wanted.candidate_repository.registry.side != "source":
        cure = "Candidates go to the source side: nothing but certifying writes to the certified one."
        wrong.append(FieldError("/candidate_repository", "side_certified", cure))
    if not wanted.owner.is_active:
        wrong.append(FieldError("/owner", "owner_closed", "The owner's account is closed."))
    if wrong:
        raise SourceInvalid(" ".join(one.detail for one in wrong), errors=wrong)
    return columns


def _require_no_waiver(name: str, now: datetime) -> None:
    """Raises SourceNamedByWaiver: whoever takes the name next must not inherit what was let pass here."""
    named = policies.grants().filter(scope_kind=Grant.ScopeKind.SOURCE, scope=name)
    if any(state_at(grant, now).is_open for grant in named):
        raise SourceNamedByWaiver(
            f"A waiver names the source {name}.", cure="End the waiver first, or let it be refused; then rename it."
        )


@contextmanager
def _names_taken() -> Iterator[None]:
    """Turns a lost race for a name or a version into the refusal that the loser would have had."""
    try:
        yield
    except IntegrityError as error:
        if "source_name_once" in str(error):
            raise SourceTaken("Another source has this name.", cure="Choose another.") from error
        if "source_one_a_version" in str(error):
            raise SourceTaken(
                "Another source builds this version already.", cure="Pause that one first, or change it instead."
            ) from error
        raise


def _owners(former: Person, owner: Person) -> dict[str, str]:
    """As the record has them: who answered for it, and who does now."""
    return {"former_owner": former.username, "owner": owner.username}


def _record(verb: Verb, source: Source, *, actor: Actor, now: datetime, changed: list[str], **more: str) -> None:
    data = {"url": source.url, "ref_rule": source.ref_rule, "version": str(source.version), "changed": changed}
    record(verb, actor=actor, subject=source_subject(source), at=now, data=data | more)
