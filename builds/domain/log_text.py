"""What may stand in a log: text for people, without what moves cursors, turns letters round, or is a secret."""

import base64
import re
import unicodedata
from collections.abc import Callable, Iterable
from urllib.parse import quote

MASK = "•••"
SHORTEST_SECRET = 6  # characters: a shorter value would mask half of every log
LONGEST_WORD = 4096  # characters: what is longer and has no blank is no word, and is cut anywhere
# ECMA-48: CSI, then OSC, DCS, SOS, PM and APC up to their terminator or the line's end, then two-character escapes.
_ESCAPE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]{0,64}[ -/]{0,8}[@-~]?"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]{0,4096}(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]{0,8}[0-~]?"
)
_SECRET_NAME = re.compile(
    r"pass(?:word|wd|phrase)?|secret|token|api_?key|access_?key|private_?key|credential|auth(?!or)", re.IGNORECASE
)
# As env(1), a shell with -x, or an ENV line says it.
_ASSIGNED = re.compile(r"(?P<name>[A-Za-z_][\w.-]{0,100})=(?P<quote>[\"']?)(?P<value>[^\s\"']{6,})")
_KEY_BEGINS, _KEY_ENDS = re.compile("-----BEGIN [A-Z0-9 ]*PRIVATE KEY"), re.compile("-----END [A-Z0-9 ]*PRIVATE KEY")
_KEY_LINE = re.compile(r"^[\w+/=:., -]*$")  # base64, or a header of an older form
_STEP = re.compile(r"^(?:\[\d{1,3}/\d{1,3}\] )?STEP (?P<done>\d{1,4})/(?P<total>\d{1,4}): ", re.MULTILINE)
# Of no use in a log, and able to show another text than there is (UAX #9, "Trojan source").
_TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


def neutral(text: str) -> str:
    """``text`` with lines and tabs kept, escape sequences gone, and every other control character made visible."""
    text = _ESCAPE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = _TURNING.sub("\N{REPLACEMENT CHARACTER}", text)
    return "".join(_visible(character) if _is_control(character) else character for character in text)


def _is_control(character: str) -> bool:
    return character not in "\n\t" and unicodedata.category(character) in ("Cc", "Cs")


def _visible(character: str) -> str:
    code = ord(character)
    return chr(0x2400 + code) if code < 0x20 else "\N{REPLACEMENT CHARACTER}"  # the control pictures


def is_secret_name(name: str) -> bool:
    """Whether a variable of that name probably holds a secret."""
    return _SECRET_NAME.search(name) is not None


def last_step(text: str) -> tuple[int, int] | None:
    """Done and total of the last line in which a builder names a step; a step may print such lines too."""
    found = [(int(one["done"]), int(one["total"])) for one in _STEP.finditer(text)]
    return found[-1] if found and found[-1][0] <= found[-1][1] else None


class Masker:
    """Takes secrets out of a text: known values in the spellings they usually get, and what ``find`` finds."""

    def __init__(self, values: Iterable[str], find: Callable[[str], Iterable[str]] = lambda text: ()) -> None:
        spellings = {one for value in values if len(value) >= SHORTEST_SECRET for one in _spellings(value)}
        # Longest first: a value within another one must not leave the rest of it standing.
        ordered = sorted(spellings, key=len, reverse=True)
        self._known = re.compile("|".join(re.escape(one) for one in ordered)) if ordered else None
        self._spellings = ordered
        self._find = find
        self._is_in_key = False

    def mask(self, text: str) -> str:
        """``text`` with every secret replaced by MASK."""
        if self._known is not None:
            text = self._known.sub(MASK, text)
        text = self._without_keys(_ASSIGNED.sub(_without_value, text))
        for value in sorted(set(self._find(text)), key=len, reverse=True):
            if len(value) >= SHORTEST_SECRET:
                text = text.replace(value, MASK)
        return text

    def safe_end(self, line: str) -> int:
        """Where a line that is too long may be cut: in no known value that begins at its end, and between words."""
        begun = (self._begun(line, spelling) for spelling in self._spellings)
        end = len(line) - max(begun, default=0)
        space = max(line.rfind(" ", 0, end), line.rfind("\t", 0, end)) + 1
        return space if space > end - LONGEST_WORD else end or len(line)

    def _begun(self, line: str, spelling: str) -> int:
        """How many characters at the end of ``line`` may be the beginning of ``spelling``."""
        return next((n for n in range(min(len(spelling) - 1, len(line)), 0, -1) if line.endswith(spelling[:n])), 0)

    def _without_keys(self, text: str) -> str:
        """Without the lines between BEGIN and END of a private key (RFC 7468), over several calls."""
        kept = []
        for line in text.splitlines(keepends=True):
            if _KEY_BEGINS.search(line):
                self._is_in_key = True
                kept.append(f"{MASK}\n")
            elif not self._is_in_key:
                kept.append(line)
            elif _KEY_ENDS.search(line) or not _KEY_LINE.match(line):
                # Also where no END comes: what is no key's line any more is shown again.
                self._is_in_key = False
                kept.extend([] if _KEY_ENDS.search(line) else [line])
        return "".join(kept)


def _without_value(found: re.Match[str]) -> str:
    # A variable's name is no secret, and neither is a reference to one.
    if not is_secret_name(found["name"]) or found["value"].startswith("$"):
        return found[0]
    return f"{found['name']}={found['quote']}{MASK}"


def _spellings(value: str) -> Iterable[str]:
    body = value.encode()
    # Whole groups of three: what follows them (a line end, more text) changes only the last letters.
    encoded = base64.b64encode(body[: len(body) // 3 * 3]).decode()
    lines = [line.strip() for line in value.splitlines() if len(line.strip()) >= SHORTEST_SECRET]
    return [value, *lines, quote(value, safe=""), encoded]
