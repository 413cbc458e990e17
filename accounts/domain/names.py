"""Names of people and teams: shown as written, compared folded.

Two names that fold together cannot both exist: ``admin`` and ``ＡＤＭＩＮ`` look alike to a reviewer,
so the second is refused (Unicode TR36, 2.11; UAX 15 for NFKC).
"""

import unicodedata

MAX_NAME_LENGTH = 150  # characters


def fold(name: str) -> str:
    """The form that names are compared in: NFKC, case folded, NFKC again (folding can denormalise)."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def fault_of(name: str) -> str:
    """Why ``name`` cannot be a name, as a sentence; "" when it can.

    Refused: empty, too long, outer white space, and every control, format (bidi), private, surrogate or line-breaking
    character: such a name cannot be read back from a record.
    """
    if not name or name != name.strip():
        return "The name is empty or begins or ends with white space."
    if len(name) > MAX_NAME_LENGTH or len(fold(name)) > MAX_NAME_LENGTH:
        return f"The name is longer than {MAX_NAME_LENGTH} characters."
    hidden = next((c for c in name if unicodedata.category(c) in ("Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp")), "")
    if hidden:
        return f"The name holds the character U+{ord(hidden):04X}, which cannot be seen."
    return ""
