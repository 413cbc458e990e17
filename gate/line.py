"""What a person at a terminal reads: one line for a refusal, short warnings for what passes.

A refusal names, in this order: image (digest cut to 12), JSON path, check, cause, cure with the full
digest; at most 500 characters, then the link. Where that is too long the cause is cut, never the cure.
"""

from gate.verdict import Check, ImageVerdict, Verdict
from gate.words import short_digest

MAX_LINE = 500  # characters, the link not counted
MAX_WARNING = 120  # characters (Kubernetes cuts at 256, its documentation asks for 120)
MAX_WARNINGS = 20
MIN_NAME = 60
_ELLIPSIS = "…"


def refusal_line(verdict: Verdict, *, link: str = "") -> str:
    """The line for a verdict that refuses."""
    refused = [image for image in verdict.images if not image.allowed]
    if not refused:
        text = cut(f"goldgate: {verdict.cause}", MAX_LINE)
    else:
        first = refused[0]
        others = len(refused) - 1
        more = f" ({others} more image{'s' if others > 1 else ''} refused)" if others else ""
        text = plain(_image_line(first, MAX_LINE - len(more))) + more
    return f"{text} {link}" if link else text


def warning_lines(verdict: Verdict) -> list[str]:
    """What the checks that let pass have to say, each at most 120 characters."""
    found = [
        cut(f"{_short_name(image, 48)}: {check.code}: {check.reason}", MAX_WARNING)
        for image in verdict.images
        for check in image.warnings
    ]
    return found[:MAX_WARNINGS]


def cut(text: str, length: int) -> str:
    """``text``, at most ``length`` characters, one line, with a mark where something is missing."""
    found = plain(text)
    return found if len(found) <= length else found[: length - 1] + _ELLIPSIS


def plain(text: str) -> str:
    """``text`` on one line, without what a terminal would obey (escapes, bidirectional overrides)."""
    if text.isprintable() and "  " not in text:
        return text
    spaced = " ".join(text.split())
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in spaced)


def _image_line(image: ImageVerdict, length: int) -> str:
    check = image.refusal or Check("known", image.checks[0].outcome, "refused")
    cure = f" {check.remedy}" if check.remedy else ""
    name = _short_name(image, max(MIN_NAME, length - len(cure) - 180))
    head = f"{name} ({cut(image.path, 100)}): " if image.path else f"{name}: "
    room = length - len(head) - len(cure)
    if room < 40:
        # A name of hundreds of characters: what remains is the cure's, for it alone repairs.
        return cut(f"{head}{check.code}:{cure}", length)
    return f"{head}{cut(_sentence(f'{check.code}: {check.reason}'), room)}{cure}"


def _short_name(image: ImageVerdict, length: int) -> str:
    name, at, _ = image.reference.partition("@")
    if not name:
        return "(empty image)"
    digest = f"@{short_digest(image.digest)}" if at and image.digest else ""
    room = length - len(digest)
    if len(name) > room:
        # The end of a name tells images apart better than its beginning.
        name = _ELLIPSIS + name[-max(room - 1, 8) :]
    return f"{name}{digest}"


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
