"""Text of strangers, with the characters that nobody sees written out.

A bidirectional override can turn a line of a Dockerfile around for the reader, a zero-width space can hide a word, an
escape sequence can repaint a terminal: each is shown as its code, so that what is read is what is there.
"""

import re

# Controls, soft hyphen, zero-width and bidirectional characters, line and paragraph separators, tags, private use,
# lone surrogates. Line ends and tabs stay.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ud800-\udfff\ue000-\uf8ff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U000e0000-\U000e0fff\U000f0000-\U0010ffff]"
)


def visible(text: str) -> str:
    """``text`` with every unseen character as ``⟨U+202E⟩``. A carriage return ends a line, as a terminal shows it."""
    return _HIDDEN.sub(_code, text.replace("\r\n", "\n").replace("\r", "\n"))


def visible_line(text: str) -> str:
    """The same on one line."""
    return visible(text).replace("\n", "⟨U+000A⟩").replace("\t", " ")


def _code(found: re.Match[str]) -> str:
    return f"⟨U+{ord(found.group()):04X}⟩"
