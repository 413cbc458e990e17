"""The parts that pages are made of. Each takes explicit arguments, asks no database and knows no rule."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from web import words
from web.timeline import words_of
from web.visible import visible, visible_line

register = template.Library()

WORST_FIRST = {"fail": 0, "unknown": 1, "pending": 1, "warn": 2}  # the order of a check's line by its outcome
UNITS = ((86_400 * 365, "year"), (86_400 * 30, "month"), (86_400, "day"), (3_600, "hour"), (60, "minute"))  # seconds


@register.simple_tag
def icon(name: str) -> SafeString:
    """A shape from the sprite; hidden from screen readers, as its word always stands beside it."""
    return format_html(
        '<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        static("vendor/tabler-icons/sprite.svg"),
        name,
    )


def _badge(look: words.Look, *, prefix: str = "", large: bool = False) -> SafeString:
    size = " is-large" if large else ""
    return format_html(
        '<span class="gg-badge is-{}{}">{}{}{}</span>', look.tone, size, icon(look.icon), prefix, look.word
    )


@register.simple_tag
def state_badge(state: object, large: bool = False) -> SafeString:
    """The state of a thing as word, colour and shape."""
    return _badge(words.look_of(words.STATES, state), large=large)


@register.simple_tag
def outcome_badge(outcome: object, large: bool = False) -> SafeString:
    """What a check, a decision or a review came to."""
    if isinstance(outcome, bool):
        outcome = "allowed" if outcome else "denied"
    return _badge(words.look_of(words.OUTCOMES, outcome), large=large)


@register.simple_tag
def severity_badge(severity: object) -> SafeString:
    """One severity. None means that nobody rated it, which is said."""
    return _badge(words.look_of(words.SEVERITIES, "unknown" if severity in (None, "") else severity))


@register.simple_tag
def support_badge(support: object) -> SafeString:
    """Whether whoever made it still mends it."""
    return _badge(words.look_of(words.SUPPORT, support))


@register.simple_tag
def renewal_badge(light: object) -> SafeString:
    """Whether it is renewed in time, as word, colour and shape."""
    return _badge(words.look_of(words.RENEWALS, light))


@register.simple_tag
def check_badge(severity: object) -> SafeString:
    """How grave what a rule found is."""
    return _badge(words.look_of(words.CHECKS, severity))


@register.simple_tag
def sign_badge(sign: object) -> SafeString:
    """What became of a thing: added, removed, changed. A word and a shape, so never colour alone."""
    return _badge(words.look_of(words.SIGNS, sign))


@register.simple_tag
def severity_counts(counts: Mapping[str, int] | None) -> SafeString:
    """How many findings of each severity, worst first. None is "not known", never zero."""
    if counts is None:
        return format_html('<span class="gg-muted">{}</span>', "not known")
    lower = {str(key).lower(): value for key, value in counts.items()}
    shown = [(key, lower[key]) for key in words.SEVERITIES if lower.get(key)]
    if not shown:
        return format_html('<span class="gg-muted">{}</span>', "0 findings")
    items = format_html_join(
        "", "<li>{}</li>", ((_badge(words.SEVERITIES[key], prefix=f"{number} "),) for key, number in shown)
    )
    return format_html('<ul class="gg-counts">{}</ul>', items)


@register.inclusion_tag("components/copy.html")
def copy_button(text: str, what: str = "text") -> dict[str, Any]:
    """A button that copies ``text``; there only when scripts run. ``what`` names it for screen readers."""
    return {"text": text, "what": what}


@register.inclusion_tag("components/digest.html")
def digest(value: object, full: bool = False, url: str = "") -> dict[str, Any]:
    """A digest: short to read, whole to copy. ``full`` shows all of it."""
    text = str(value or "")
    algorithm, _, encoded = text.partition(":")
    short = f"{algorithm}:{encoded[:12]}" if encoded else text[:19]
    return {"text": text, "shown": text if full else short, "is_cut": not full and len(text) > len(short), "url": url}


@register.inclusion_tag("components/code_line.html")
def code_line(text: str, what: str = "line") -> dict[str, Any]:
    """A line to paste somewhere, with its copy button."""
    return {"text": text, "what": what}


@register.simple_tag
def when(value: datetime | date | None, absent: str = "never") -> SafeString:
    """A moment in UTC and how far away it is. None is written out."""
    if value is None:
        return format_html('<span class="gg-muted">{}</span>', absent)
    if not isinstance(value, datetime):
        return format_html('<time datetime="{}">{}</time>', value.isoformat(), value.strftime("%Y-%m-%d"))
    moment = value.astimezone(UTC)
    return format_html(
        '<time datetime="{}" title="{}">{} <span class="gg-muted">({})</span></time>',
        moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        moment.strftime("%Y-%m-%d %H:%M:%S UTC"),
        moment.strftime("%Y-%m-%d %H:%M"),
        distance(moment, timezone.now()),
    )


@register.simple_tag
def day(value: datetime | date | None, absent: str = "no end") -> SafeString:
    """A date in UTC, without the hour."""
    if value is None:
        return format_html('<span class="gg-muted">{}</span>', absent)
    moment = value.astimezone(UTC) if isinstance(value, datetime) else value
    return format_html('<time datetime="{}">{}</time>', moment.isoformat(), moment.strftime("%Y-%m-%d"))


def distance(moment: datetime, now: datetime) -> str:
    """How far ``moment`` is from ``now``, in the largest unit that fits: "3 days ago", "in 2 hours"."""
    seconds = int((now - moment).total_seconds())
    for size, name in UNITS:
        count = abs(seconds) // size
        if count:
            plural = "" if count == 1 else "s"
            return f"{count} {name}{plural} ago" if seconds > 0 else f"in {count} {name}{plural}"
    return "just now" if seconds >= 0 else "in less than a minute"


@register.filter
def size(value: int | None) -> str:
    """Bytes in the unit that a person reads: 1024-based, one decimal."""
    if value is None:
        return "unknown"
    number = float(value)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if number < 1024 or unit == "GiB":
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1024
    raise AssertionError("unreachable")


@register.filter
def took(run: Any) -> str:
    """How long a thing with ``started_at`` and ``finished_at`` ran: "46 s", "3 min 2 s"."""
    if run.started_at is None or run.finished_at is None:
        return "not known"
    seconds = max(int((run.finished_at - run.started_at).total_seconds()), 0)
    if seconds < 60:
        return f"{seconds} s"
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes} min {seconds} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


@register.filter
def label_of(value: object) -> str:
    """A code as words: ``security_reviewer`` → "security reviewer"."""
    return str(getattr(value, "value", value)).replace("_", " ")


@register.filter
def in_words(value: object) -> str:
    """A value of stored facts as words: none, yes, 93, "deb 99, gem 2"; what strangers wrote stays on one line."""
    match value:
        case bool():
            return "yes" if value else "no"
        case dict():
            return ", ".join(f"{visible_line(str(key))} {in_words(inner)}" for key, inner in value.items()) or "none"
        case list() | tuple():
            return ", ".join(in_words(one) for one in value) or "none"
        case None | "":
            return "none"
    return visible_line(str(value))


@register.filter
def kind_words(value: object) -> str:
    """The kind of a job as words: ``scans.sync_all_feeds`` → "Sync all feeds"."""
    return str(value).rpartition(".")[2].replace("_", " ").capitalize()


@register.filter
def deed_words(value: object) -> str:
    """The verb of a record as words: ``proposal.reviewed`` → "Proposal reviewed"."""
    return words_of(str(value))


@register.filter(name="visible")
def visible_filter(value: object) -> str:
    """A stranger's text with its unseen characters written out; still escaped by the template."""
    return visible(str(value))


@register.filter(name="visible_line")
def visible_line_filter(value: object) -> str:
    """The same on one line."""
    return visible_line(str(value))


@register.inclusion_tag("components/source_lines.html")
def source_lines(lines: Iterable[Any], what: str) -> dict[str, Any]:
    """A text with its line numbers, each line an anchor, what was found of a line beneath it."""
    return {"lines": list(lines), "what": what}


@register.inclusion_tag("components/diff_lines.html")
def diff_lines(lines: Iterable[Any], what: str) -> dict[str, Any]:
    """A text's changed lines: a sign and a word for each, never colour alone."""
    return {"lines": list(lines), "what": what}


@register.inclusion_tag("components/progress.html")
def progress_bar(job: Any) -> dict[str, Any]:
    """How far a job is: a bar when the total is known, words always."""
    return {"job": job, "has_total": bool(getattr(job, "total", None))}


@register.inclusion_tag("components/timeline.html")
def timeline(records: Iterable[Any]) -> dict[str, Any]:
    """What happened to a thing, newest first: when, who, what."""
    return {"records": list(records)}


@register.inclusion_tag("components/check_lines.html")
def check_lines(lines: Iterable[Any]) -> dict[str, Any]:
    """One line a check: outcome, its code, the reason, and the remedy. What refuses stands first.

    Neighbours that say the same are one line.
    """
    worst_first = sorted(lines, key=lambda line: WORST_FIRST.get(str(_of(line, "outcome")), len(WORST_FIRST)))
    groups = [list(rows) for _, rows in groupby(worst_first, key=_said)]
    return {"lines": [(", ".join(label_of(_of(row, "code")) for row in rows), rows[0]) for rows in groups]}


def _said(line: Any) -> tuple[object, ...]:
    return tuple(_of(line, name) for name in ("outcome", "reason", "remedy"))


def _of(line: Any, name: str) -> Any:
    # A decision's checks are rows of JSON; a certify line is an object.
    return line.get(name, "") if isinstance(line, Mapping) else getattr(line, name, "")


@register.inclusion_tag("components/field.html")
def field(bound: Any) -> dict[str, Any]:
    """One field of a form with its label, help, and what is wrong with it."""
    return {"field": bound, "kind": type(bound.field.widget).__name__}


@register.inclusion_tag("components/form_errors.html")
def form_errors(form: Any) -> dict[str, Any]:
    """What is wrong with a form as a whole, first on the page, each line a link to its field."""
    named = [(form[name], errors) for name, errors in form.errors.items() if name != "__all__"]
    return {"form": form, "named": named, "cure": getattr(form, "cure", "")}


@register.inclusion_tag("components/pager.html", takes_context=True)
def pager(context: template.Context, page: Any) -> dict[str, Any]:
    """Links to the first and the next page of a list; the filters stay in the address."""
    params = context["request"].GET.copy()
    params.pop("cursor", None)
    first = f"?{params.urlencode()}"
    following = ""
    if page.next_cursor:
        params["cursor"] = page.next_cursor
        following = f"?{params.urlencode()}"
    return {"page": page, "first": first, "following": following, "is_later": "cursor" in context["request"].GET}


@register.simple_tag(takes_context=True)
def query(context: template.Context, **changes: object) -> str:
    """The address of this list with some parameters changed; None takes one away. The cursor starts over."""
    params = {key: value for key, value in context["request"].GET.items() if key != "cursor"}
    params.update({key: str(value) for key, value in changes.items()})
    kept = {key: value for key, value in params.items() if value not in ("", "None")}
    return f"?{urlencode(kept)}"


@register.simple_block_tag
def empty(content: str, title: str, icon_name: str = "info-circle", cli: str = "") -> SafeString:
    """What belongs here, why there is none, the one next action (the block), and the same as a command."""
    line = format_html("<p>Or on a command line:</p>{}", _code(cli)) if cli else ""
    return format_html(
        '<div class="gg-empty">{}<p class="gg-empty-title"><strong>{}</strong></p>{}{}</div>',
        icon(icon_name),
        title,
        content,
        line,
    )


def _code(text: str) -> SafeString:
    return format_html('<div class="gg-line"><code>{}</code></div>', text)


@register.simple_block_tag
def verdict(content: str, look: words.Look, sentence: str) -> SafeString:
    """The answer box: the word, the sentence; the block holds what follows (lines, next action)."""
    return format_html(
        '<section class="gg-verdict tone-{}" aria-label="Verdict">'
        '<div class="gg-verdict-head">{}<p>{}</p></div>{}</section>',
        look.tone,
        _badge(look, large=True),
        sentence,
        content,
    )


@register.simple_tag
def look(kind: str, value: object) -> words.Look:
    """The look of a value, for ``verdict``: kind is "state", "renewal" or "outcome"."""
    if isinstance(value, bool):
        value = "allowed" if value else "denied"
    tables = {"state": words.STATES, "renewal": words.RENEWALS}
    return words.look_of(tables.get(kind, words.OUTCOMES), value)


@register.simple_block_tag
def notice(content: str, tone: str, icon_name: str = "info-circle") -> SafeString:
    """A remark with a tone: ok, warn, no, wait, dim."""
    return format_html('<div class="gg-notice is-{}">{}<div>{}</div></div>', tone, icon(icon_name), content)


@register.filter
def pretty(value: Any) -> str:
    """JSON as a person reads it."""
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True)
