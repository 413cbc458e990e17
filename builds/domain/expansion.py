"""``$NAME`` in Dockerfile words, as BuildKit's ``shell/lex.go`` fills it in.

- ``$NAME``, ``${NAME}``, ``${NAME-x}``, ``${NAME:-x}``, ``+``, ``:+``, ``?``, ``:?``.
- ``${NAME#pattern}``, ``##``, ``%``, ``%%``, ``${NAME/pattern/text}``, ``//``: patterns of ``*`` and ``?``.
- Single quotes keep everything, double quotes keep all but ``$``; the escape character keeps the next one.
- A name that is not set is empty.
"""

from collections.abc import Mapping
from dataclasses import dataclass

_SPECIAL = "@*#?-$!0"
MAX_LENGTH = 64 * 1024  # characters of one word once it is filled in
MAX_DEPTH = 20
MAX_PATTERN_VALUE = 300  # characters of a value that a pattern is held against, and of the pattern


class NotExpandable(ValueError):
    """The word cannot be filled in: BuildKit would stop here."""


def expand(word: str, values: Mapping[str, str], *, escape: str = "\\") -> str:
    """``word`` with every name filled in and quotes taken off. Raises NotExpandable."""
    lexer = _Lexer(word, values, escape)
    found = lexer.until("", is_raw=False)
    if len(found) > MAX_LENGTH:
        raise NotExpandable("it becomes too long")
    return found


@dataclass(slots=True)
class _Lexer:
    text: str
    values: Mapping[str, str]
    escape: str
    at: int = 0
    depth: int = 0

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def next(self) -> str:
        found = self.peek()
        self.at += 1
        return found

    def until(self, stop: str, *, is_raw: bool) -> str:
        """Everything up to ``stop`` ("": the end). Raw keeps the escape characters, which patterns need."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise NotExpandable("it is nested too deeply")
        found: list[str] = []
        while (char := self.peek()) and not (stop and char == stop):
            if char == "'":
                found.append(self._single())
            elif char == '"':
                found.append(self._double(is_raw=is_raw))
            elif char == "$":
                found.append(self._dollar())
            else:
                found.append(self._plain(is_raw=is_raw))
        if stop and not self.next():
            raise NotExpandable(f"{stop!r} is missing")
        self.depth -= 1
        return "".join(found)

    def _plain(self, *, is_raw: bool) -> str:
        char = self.next()
        if char != self.escape:
            return char
        kept = char if is_raw else ""
        return kept + self.next()

    def _single(self) -> str:
        self.next()
        end = self.text.find("'", self.at)
        if end < 0:
            raise NotExpandable("a single quote is not closed")
        found = self.text[self.at : end]
        self.at = end + 1
        return found

    def _double(self, *, is_raw: bool) -> str:
        self.next()
        found: list[str] = []
        while char := self.peek():
            if char == '"':
                self.next()
                return "".join(found)
            if char == "$":
                found.append(self._dollar())
                continue
            self.next()
            if char == self.escape:
                if is_raw:
                    found.append(char)
                if not self.peek():
                    continue
                if self.peek() in ('"', "$", self.escape):
                    char = self.next()
            found.append(char)
        raise NotExpandable("a double quote is not closed")

    def _dollar(self) -> str:
        self.next()
        if self.peek() != "{":
            name = self._name()
            return (self.values.get(name) or "") if name else "$"
        self.next()
        if self.peek() in ("", "{", "}", ":"):
            raise NotExpandable("a substitution is not complete")
        return self._braces(self._name())

    def _braces(self, name: str) -> str:
        value = self.values.get(name)
        char = self.next()
        if char == "}":
            return value or ""
        is_empty_unset = char == ":"
        if is_empty_unset:
            char = self.next()
        if char == "/" and not is_empty_unset:
            return self._replaced(value or "")
        if char not in tuple("+-?#%") or (is_empty_unset and char in "#%"):
            raise NotExpandable(f"{char!r} is no modifier")
        word = self.until("}", is_raw=char in "#%")
        is_set = value is not None and not (is_empty_unset and value == "")
        match char:
            case "-":
                return (value or "") if is_set else word
            case "+":
                return word if is_set else ""
            case "?":
                if not is_set:
                    raise NotExpandable(f"{name} is not set")
                return value or ""
            case _:
                return _trimmed(value or "", word, at_end=char == "%", mark=char)

    def _replaced(self, value: str) -> str:
        is_all = self.peek() == "/"
        if is_all:
            self.next()
        pattern = self.until("/", is_raw=True)
        return _replaced(value, pattern, self.until("}", is_raw=True), is_all=is_all)

    def _name(self) -> str:
        if (char := self.peek()) and char in _SPECIAL and not char.isdigit():
            return self.next()
        start = self.at
        is_number = self.peek().isdigit()
        while (char := self.peek()) and (char.isdigit() or (not is_number and (char.isalpha() or char == "_"))):
            self.at += 1
        return self.text[start : self.at]


_STAR, _ANY = "*", "?"
Token = tuple[str, bool]  # a character, and whether it is a wildcard


def _trimmed(value: str, word: str, *, at_end: bool, mark: str) -> str:
    is_greedy = word.startswith(mark)
    tokens = _tokens(word.removeprefix(mark) if is_greedy else word)
    text = value[::-1] if at_end else value
    ends = _ends(text, tokens[::-1] if at_end else tokens, 0)
    cut = 0 if not ends else max(ends) if is_greedy else min(ends)
    return text[cut:][::-1] if at_end else text[cut:]


def _replaced(value: str, pattern: str, replacement: str, *, is_all: bool) -> str:
    tokens = _tokens(pattern)
    found: list[str] = []
    at = 0
    while at <= len(value):
        ends = _ends(value, tokens, at)
        if not ends:
            found.append(value[at : at + 1])
            at += 1
            continue
        found.append(replacement)
        end = max(ends)
        if end == at:
            found.append(value[at : at + 1])
        at = max(end, at + 1)
        if not is_all:
            break
    return "".join(found) + value[at:]


def _tokens(text: str) -> list[Token]:
    found: list[Token] = []
    index = 0
    while index < len(text):
        char = text[index]
        index += 1
        if char == "\\":
            char = text[index : index + 1]
            index += 1
            if char not in ("}", "/", "*", "?", "\\"):
                raise NotExpandable("an escape in a pattern is not known")
            found.append((char, False))
        else:
            found.append((char, char in (_STAR, _ANY)))
    return found


def _ends(value: str, tokens: list[Token], start: int) -> set[int]:
    """Where ``tokens`` can end when they begin at ``start``. Every place at once: no pattern takes long."""
    if len(value) > MAX_PATTERN_VALUE or len(tokens) > MAX_PATTERN_VALUE:
        raise NotExpandable("it is too long for a pattern")
    places = {start}
    for char, is_wild in tokens:
        if is_wild and char == _STAR:
            places = set(range(min(places), len(value) + 1))
        else:
            places = {at + 1 for at in places if at < len(value) and (is_wild or value[at] == char)}
        if not places:
            break
    return places
