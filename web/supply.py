"""What pages say about sources, recipes and builds: one sentence for each, and who must act. No rule lives here."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from approvals.models import RecipeReview
from builds.domain.recipe_difference import Change, RecipeDifference
from builds.models import Build, Cause, Check, Recipe
from web.dossier import Missing
from web.visible import visible

SEVERITIES = ("error", "warning", "note")

REASONS = {
    Cause.Reason.SCHEDULE: "its renewal was due",
    Cause.Reason.BASE_MOVED: "its base moved",
    Cause.Reason.FIX_AVAILABLE: "a fix is available",
    Cause.Reason.RECIPE_APPROVED: "its recipe was approved",
    Cause.Reason.BY_HAND: "somebody asked for it",
}

MAX_DETAIL = 12  # values of one member of a cause that are named


@dataclass(frozen=True, slots=True)
class Standing:
    """How a thing stands: the word of its badge, one sentence, and who must do what."""

    word: str
    sentence: str
    next_action: str = ""


@dataclass(frozen=True, slots=True)
class CauseTold:
    """Why a build was started, in words."""

    cause: Cause
    words: str
    detail: str


def approvals_in(reviews: Iterable[RecipeReview]) -> int:
    """How many distinct persons approved."""
    return len({one.reviewer_identity for one in reviews if one.outcome == RecipeReview.Outcome.APPROVE})


def recipe_is_open(recipe: Recipe, reviews: Iterable[RecipeReview]) -> bool:
    """Whether it may still be judged: neither approved nor rejected."""
    is_rejected = any(one.outcome == RecipeReview.Outcome.REJECT for one in reviews)
    return recipe.approved_at is None and not is_rejected


def recipe_told(recipe: Recipe, reviews: Sequence[RecipeReview], needed: int) -> Standing:
    """Who approved a recipe and when; or that it is not approved, and what follows from that."""
    if recipe.withdrawn_at:
        sentence = f"Its approval was withdrawn on {recipe.withdrawn_at:%Y-%m-%d}: {recipe.withdrawn_reason}"
        return Standing("withdrawn", sentence, "What is built from it is unreviewed. Other bytes are another recipe.")
    if recipe.approved_at:
        people = ", ".join(str(one.reviewer) for one in reviews if one.outcome == RecipeReview.Outcome.APPROVE)
        sentence = f"Approved on {recipe.approved_at:%Y-%m-%d %H:%M} UTC by {people or 'its reviewers'}."
        return Standing("approved", sentence, "Builds of exactly these bytes are reviewed; one changed byte is not.")
    rejected = next((one for one in reviews if one.outcome == RecipeReview.Outcome.REJECT), None)
    if rejected is not None:
        return Standing(
            "rejected", f"Rejected by {rejected.reviewer}: {rejected.reason}", "Other bytes are another recipe."
        )
    sentence = f"Not approved: {approvals_in(reviews)} of {needed} approvals. Builds of it go on only as unreviewed."
    return Standing("unreviewed", sentence, "What they make cannot be certified until people approve this recipe.")


def _refusing(groups: Iterable["CheckGroup"]) -> str:
    """The rules that refuse, errors that no waiver lets pass: "GG1020 and GG1022 refuse"; "" where none does."""
    rows = [row for group in groups for row in group.rows if row.severity == "error"]
    rules = list(dict.fromkeys(row.rule for row in rows))
    if not rules:
        return ""
    return f"{rules[0]} refuses" if len(rules) == 1 else f"{', '.join(rules[:-1])} and {rules[-1]} refuse"


def hardening_told(images: Sequence[Sequence["CheckGroup"] | None]) -> Standing:
    """Whether a rule refuses what is in an image; None for one into whose files nobody could look."""
    if refusing := _refusing(group for groups in images for group in groups or ()):
        return Standing("fail", f"{refusing} it.", "Change its recipe as each check says, or ask for a waiver.")
    if not images or any(groups is None for groups in images):
        return Standing("unknown", "Nobody knows: not all of it was looked into.", "That is not the same as clean.")
    return Standing("pass", "No rule refuses what is in it.", "What is found below it may have; reviewers read it.")


def recipe_refused(groups: Iterable["CheckGroup"]) -> list[Missing]:
    """The checks that let nothing be built from a recipe, for want of a waiver, and who can give that."""
    refusing = _refusing(groups)
    if not refusing:
        return []
    text = f"Nothing is built from it: {refusing}."
    return [Missing(text, "Its author, with other bytes; or another person gives a waiver.", "#checks", "The checks")]


def recipe_missing(reviews: Sequence[RecipeReview], needed: int) -> list[Missing]:
    """What stands between a recipe and its approval, and who can give it."""
    found = [
        Missing(f"{one.reviewer} asked for changes: {one.reason}", "Its author: other bytes are another recipe.")
        for one in reviews
        if one.outcome == RecipeReview.Outcome.REQUEST_CHANGES
    ]
    if more := max(needed - approvals_in(reviews), 0):
        noun = "approval" if more == 1 else "approvals"
        text = f"{more} more {noun} of {needed}, each by another person."
        found.append(Missing(text, "Reviewers who neither wrote the commit nor answer for the source."))
    return found


def build_standing(build: Build) -> Standing:
    """What came of a build, in one sentence, and what follows from it."""
    state = Build.State(build.state)
    match state:
        case Build.State.ASKED:
            return Standing(
                "asked", "It waits for its source to be fetched, or for the builder.", "Nobody needs to act."
            )
        case Build.State.RUNNING:
            return Standing("running", "The builder is at it.", "Nobody needs to act; the log below grows.")
        case Build.State.BUILT:
            return Standing("built", "It is built. Its layers are being read and held against what is certified.")
        case Build.State.SUCCEEDED:
            return _succeeded(build)
        case Build.State.NO_CHANGE:
            return Standing("no_change", "Its content is that of what there is already: nothing new to review.")
        case Build.State.FAILED:
            return Standing("failed", f"It failed: {build.failure}", _cure_of(build))
        case Build.State.STOPPED:
            return Standing("stopped", f"It was stopped: {build.failure}", "Remove the cause, then build by hand.")


def _succeeded(build: Build) -> Standing:
    if build.purpose == Build.Purpose.REPRODUCTION:
        return reproduction_standing(build.comparison)
    if build.subversion is None:
        return Standing("succeeded", "It succeeded.")
    return Standing(
        "succeeded",
        f"It made the candidate {build.subversion.name}.",
        "Reviewers judge the candidate on its page; nothing is certified by itself.",
    )


def reproduction_standing(comparison: Mapping[str, Any]) -> Standing:
    """Whether a second build gave the same layers."""
    if not comparison:
        return Standing("running", "It is not compared yet.")
    equal, layers = comparison.get("equal", 0), comparison.get("layers", 0)
    if comparison.get("is_reproduced"):
        return Standing("reproduced", f"Reproduced: all {layers} layers are equal, byte for byte.")
    return Standing(
        "not_reproduced",
        f"Not reproduced: {equal} of {layers} layers are equal.",
        "The difference page names what differs; times and caches in layers are the usual cause.",
    )


def _cure_of(build: Build) -> str:
    kept = "What is certified stays as it is."
    where = f" The Dockerfile's line {build.failed_line} is where it ended." if build.failed_line else ""
    return f"{kept}{where} Mend the cause, then build by hand; the next cause builds it too."


def causes_told(causes: Iterable[Cause]) -> list[CauseTold]:
    """Each cause in words, with its details."""
    return [
        CauseTold(one, REASONS.get(Cause.Reason(one.reason), one.get_reason_display()), detail_words(one.detail))
        for one in causes
    ]


def detail_words(detail: Mapping[str, Any]) -> str:
    """A cause's details as words: "fixes: CVE-2026-1, CVE-2026-2; by: ada"."""
    parts = []
    for name, value in detail.items():
        if isinstance(value, list | tuple):
            more = f" and {len(value) - MAX_DETAIL} more" if len(value) > MAX_DETAIL else ""
            value = ", ".join(str(one) for one in value[:MAX_DETAIL]) + more
        elif isinstance(value, dict):
            value = ", ".join(f"{key} {inner}" for key, inner in list(value.items())[:MAX_DETAIL])
        if value not in ("", None):
            parts.append(f"{name.replace('_', ' ')}: {value}")
    return "; ".join(parts)


@dataclass(frozen=True, slots=True)
class CheckGroup:
    """Checks of one severity."""

    severity: str
    rows: tuple[Any, ...]

    @property
    def words(self) -> str:
        return f"{len(self.rows)} {self.severity}{'' if len(self.rows) == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One result of a rule, with the anchor by which its line names it, and the waiver that lets it pass."""

    check: Check
    anchor: str
    waiver: Any = None

    @property
    def rule(self) -> str:
        return self.check.rule

    @property
    def severity(self) -> str:
        return "waived" if self.waiver else str(self.check.severity)

    @property
    def message(self) -> str:
        return self.check.message


def check_groups(checks: Iterable[Check], waivers: Mapping[str, Any]) -> list[CheckGroup]:
    """Checks by severity, the gravest first; empty groups are left out. A waived error stays among the errors."""
    rows: dict[str, list[CheckRow]] = {severity: [] for severity in SEVERITIES}
    for check in checks:
        waiver = waivers.get(check.rule) if check.severity == Check.Severity.ERROR else None
        rows[str(check.severity)].append(CheckRow(check, f"check-{check.pk}", waiver))
    return [CheckGroup(severity, tuple(found)) for severity, found in rows.items() if found]


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One line of a Dockerfile, and what was found of it."""

    number: int
    text: str
    checks: tuple[CheckRow, ...] = field(default=())


def source_lines(text: str, groups: Sequence[CheckGroup]) -> list[SourceLine]:
    """A Dockerfile line by line, as it stands, each with its checks."""
    by_line: dict[int, list[CheckRow]] = {}
    for row in (row for group in groups for row in group.rows):
        if row.check.line:
            by_line.setdefault(row.check.line, []).append(row)
    # Only "\n" ends a line to the parser that checks count by: splitlines() would also split at U+2028.
    lines = text.removesuffix("\n").split("\n")
    return [
        SourceLine(number, line.removesuffix("\r"), tuple(by_line.get(number, ())))
        for number, line in enumerate(lines, start=1)
    ]


KINDS = {"+": "added", "-": "removed", "@": "hunk"}
MAX_FILES = 300  # changed files that a page names


@dataclass(frozen=True, slots=True)
class DiffRow:
    """One line of a difference: what became of it, and its text."""

    kind: str  # added | removed | same | hunk
    text: str

    @property
    def sign(self) -> str:
        return {"added": "+", "removed": "−", "hunk": "…"}.get(self.kind, " ")


@dataclass(frozen=True, slots=True)
class Changed:
    """One file, argument or base: what became of it."""

    sign: str  # added | removed | changed
    name: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class RecipeChange:
    """What a recipe says otherwise than an earlier one, as the page lists it."""

    lines: list[DiffRow]
    files: list[Changed]
    more_files: int
    arguments: list[Changed]
    bases: list[Changed]
    others: list[Changed]
    is_empty: bool
    is_cut: bool


def recipe_change(difference: RecipeDifference) -> RecipeChange:
    """``difference`` in rows, cut to what a page shows."""
    files = [Changed("added", name) for name in difference.files_added]
    files += [Changed("removed", name) for name in difference.files_removed]
    files += [Changed("changed", name, "bytes or mode") for name in difference.files_changed]
    return RecipeChange(
        lines=[DiffRow(KINDS.get(one.sign, "same"), one.text) for one in difference.lines],
        files=files[:MAX_FILES],
        more_files=max(len(files) - MAX_FILES, 0),
        arguments=[_changed(one) for one in difference.arguments],
        bases=[_changed(one) for one in difference.bases],
        others=[_changed(one) for one in difference.settings],
        is_empty=difference.is_empty,
        is_cut=difference.is_cut,
    )


def _changed(one: Change) -> Changed:
    if not one.old:
        return Changed("added", one.name, one.new)
    if not one.new:
        return Changed("removed", one.name, one.old)
    return Changed("changed", one.name, f"{one.old} → {one.new}")


def log_text(chunks: Iterable[Any]) -> str:
    """Pieces of a log as one text, its unseen characters written out."""
    return visible("".join(one.text for one in chunks))


FAILED_WORDS = ("error", "failed", "fatal", "unable to", "no such", "not found", "denied")


def failing_lines(text: str, *, most: int = 6) -> list[str]:
    """The last lines of a failed build's log that say what went wrong; else its very last ones."""
    lines = [line for line in text.split("\n") if line.strip()]
    telling = [line for line in lines[-200:] if any(word in line.lower() for word in FAILED_WORDS)]
    return (telling or lines)[-most:]
