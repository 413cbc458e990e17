"""Shell text as pipelines of simple commands: enough to see what is run with what, and never to run anything.

What is kept of a script: each command's words without their quotes, what it is piped into, the scripts inside of
``$(…)``, backticks, ``<(…)`` and groups, what it reads from a here-document, and the files that it writes.
Reading is lenient: what no shell would take is read as far as it goes, since a rule must also see broken text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

JOINED = "\x1e"  # stands where a line was continued: the words go on, the line number rises
MAX_DEPTH = 40
MAX_COMMANDS = 5_000  # of one script
_KEYWORDS = frozenset({"if", "then", "else", "elif", "while", "until", "do", "!", "time", "{", "}"})
_ENDS = frozenset({"fi", "done", "esac", "}"})
_BLANK = " \t\r"


class ShellTooLarge(ValueError):
    """A script with more commands, or deeper ones, than are looked at: what is not looked at must not pass."""


@dataclass(frozen=True, slots=True)
class Command:
    """One simple command, or a group (no words, its script in ``inner``)."""

    words: tuple[str, ...]
    line: int
    assignments: tuple[str, ...] = ()
    inner: tuple[Script, ...] = ()  # substitutions and groups, in order
    here: str = ""  # a here-document or here-string that it reads
    here_line: int = 0
    writes: tuple[str, ...] = ()
    is_after_block: bool = False  # its input is that of a loop or an if that ended right before


Pipeline = tuple[Command, ...]
Script = tuple[Pipeline, ...]


def script_of(text: str, *, line: int = 1) -> Script:
    """The pipelines of ``text``, whose first line has the number ``line``. Raises ShellTooLarge."""
    reader = _Reader(text, line)
    found: list[Pipeline] = []
    while reader.at < len(reader.text):
        found.extend(reader.script(""))
        reader.at += 1  # a closing bracket that nothing opened
    return tuple(found)


def walk(script: Script) -> Iterator[tuple[Pipeline, int, Command]]:
    """Every command at any depth, each with its pipeline and its place in it."""
    for pipeline in script:
        for index, command in enumerate(pipeline):
            yield pipeline, index, command
            for inner in command.inner:
                yield from walk(inner)


@dataclass(slots=True)
class _Draft:
    line: int
    words: list[str] = field(default_factory=list)
    assignments: list[str] = field(default_factory=list)
    inner: list[Script] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    here: list[str] = field(default_factory=list)
    here_line: int = 0
    is_after_block: bool = False

    @property
    def is_empty(self) -> bool:
        return not (self.words or self.assignments or self.inner or self.writes or self.here or self.here_line)

    def done(self) -> Command:
        return Command(
            words=tuple(self.words),
            line=self.line,
            assignments=tuple(self.assignments),
            inner=tuple(self.inner),
            here="".join(self.here),
            here_line=self.here_line,
            writes=tuple(self.writes),
            is_after_block=self.is_after_block,
        )


class _Reader:
    def __init__(self, text: str, line: int, depth: int = 0) -> None:
        self.text = text
        self.at = 0
        self.line = line
        self.depth = depth
        self.commands = 0
        self.waiting: list[tuple[_Draft, str, bool]] = []  # here-documents whose lines are still to come

    def peek(self, ahead: int = 0) -> str:
        return self.text[self.at + ahead : self.at + ahead + 1]

    def take(self) -> str:
        char = self.peek()
        self.at += 1
        if char in ("\n", JOINED):
            self.line += 1
        return char

    def script(self, stop: str) -> Script:
        """Pipelines up to ``stop`` (")" or "}"; it is taken) or to the end."""
        self.depth += 1
        found: list[list[_Draft]] = []
        pipeline: list[_Draft] = []
        draft = _Draft(self.line)
        if self.depth > MAX_DEPTH:
            raise ShellTooLarge(f"it is nested more than {MAX_DEPTH} times")
        while char := self.peek():
            if char == stop and (stop == ")" or (stop == "}" and not draft.words)):
                self.take()
                break
            if char == ")" and stop != ")":
                break
            if char in _BLANK or char == JOINED:
                self.take()
            elif char == "#" and self._is_at_word_start():
                self._comment()
            elif char == "\n":
                self.take()
                pipeline, draft = self._end(found, pipeline, draft)
                self._here_documents()
            elif char in ";&|":
                pipeline, draft = self._operator(found, pipeline, draft)
            elif char == "(":
                self._group(draft)
            elif self._is_redirect():
                self._redirect(draft)
            else:
                draft = self._word_into(draft)
        self._end(found, pipeline, draft)
        self.depth -= 1
        return tuple(tuple(one.done() for one in row) for row in found)

    def _is_at_word_start(self) -> bool:
        return self.at == 0 or self.text[self.at - 1] in _BLANK + "\n;&|(" + JOINED

    def _comment(self) -> None:
        while (char := self.peek()) and char != "\n":
            self.take()

    def _end(self, found: list[list[_Draft]], pipeline: list[_Draft], draft: _Draft) -> tuple[list[_Draft], _Draft]:
        if not draft.is_empty:
            pipeline.append(draft)
        if pipeline:
            self.commands += len(pipeline)
            if self.commands > MAX_COMMANDS:
                raise ShellTooLarge(f"it has more than {MAX_COMMANDS} commands")
            found.append(pipeline)
        return [], _Draft(self.line)

    def _operator(
        self, found: list[list[_Draft]], pipeline: list[_Draft], draft: _Draft
    ) -> tuple[list[_Draft], _Draft]:
        char = self.take()
        if char == "&" and self.peek() == ">":
            self._redirect(draft)
            return pipeline, draft
        if char == "|" and self.peek() != "|":
            if self.peek() == "&":
                self.take()
            if draft.is_empty:
                return pipeline, draft
            is_block = bool(draft.words) and draft.words[0] in _ENDS
            pipeline.append(draft)
            return pipeline, _Draft(self.line, is_after_block=is_block)
        if self.peek() in ("&", "|", ";"):
            self.take()
        return self._end(found, pipeline, draft)

    def _group(self, draft: _Draft) -> None:
        self.take()
        if self.peek() == ")" and draft.words:  # a function: its body follows
            self.take()
            draft.words.clear()
            return
        draft.inner.append(self.script(")"))

    def _is_redirect(self) -> bool:
        ahead = 0
        while self.peek(ahead).isdigit():
            ahead += 1
        is_number = ahead == 0 or self._is_at_word_start()
        return is_number and self.peek(ahead) in ("<", ">") and self.peek(ahead + 1) != "("

    def _redirect(self, draft: _Draft) -> None:
        while self.peek().isdigit():
            self.take()
        mark = self.take()
        while self.peek() in ("<", ">", "&", "|", "-") and len(mark) < 3:
            if self.peek() == "-" and mark != "<<":
                break
            mark += self.take()
        while self.peek() in (" ", "\t", JOINED) and self.peek():
            self.take()
        word = self._word(draft)
        if mark in ("<<", "<<-"):
            draft.here_line = self.line
            self.waiting.append((draft, word, mark == "<<-"))
        elif mark == "<<<":
            draft.here.append(word)
            draft.here_line = self.line
        elif mark.startswith((">", "&>", "<>")):
            draft.writes.append(word)
        else:
            draft.words.append(f"<{word}")

    def _here_documents(self) -> None:
        waiting, self.waiting = self.waiting, []
        for draft, name, is_stripped in waiting:
            draft.here_line = self.line
            while self.at < len(self.text):
                end = self.text.find("\n", self.at)
                end = len(self.text) if end < 0 else end
                row = self.text[self.at : end].rstrip("\r")
                self.at = end + 1
                self.line += 1
                if (row.lstrip("\t") if is_stripped else row) == name:
                    break
                draft.here.append(row + "\n")

    def _word_into(self, draft: _Draft) -> _Draft:
        if draft.is_empty:
            draft.line = self.line
        is_quoted = self.peek() in ("'", '"', "\\")
        word = self._word(draft)
        if not draft.words and not is_quoted:
            if word == "{":
                draft.inner.append(self.script("}"))
                return draft
            if word in _KEYWORDS and word != "}":
                return draft
            name, has_value, _ = word.partition("=")
            if has_value and name.replace("_", "a").isalnum() and not name[:1].isdigit():
                draft.assignments.append(word)
                return draft
        draft.words.append(word)
        return draft

    def _word(self, draft: _Draft) -> str:
        found: list[str] = []
        start = self.at
        while char := self.peek():
            if char in _BLANK + "\n;&|()":
                break
            if char in "<>" and self.peek(1) != "(":
                break
            if char in "<>":
                self.take()
                self.take()
                draft.inner.append(self.script(")"))
                found.append("$()")
            elif char == "'":
                self.take()
                found.append(self._until("'"))
            elif char == '"':
                self.take()
                found.append(self._double(draft))
            elif char == "\\":
                self.take()
                found.append(self.take().replace("\n", ""))
            elif char in "$`":
                found.append(self._dollar(draft))
            elif char == JOINED:
                self.take()
            else:
                found.append(self.take())
        if self.at == start:
            self.take()  # whatever it is: go on
        return "".join(found)

    def _until(self, stop: str) -> str:
        found: list[str] = []
        while (char := self.peek()) and char != stop:
            found.append(self.take())
        self.take()
        return "".join(found).replace(JOINED, "")

    def _double(self, draft: _Draft) -> str:
        found: list[str] = []
        while (char := self.peek()) and char != '"':
            if char == "\\":
                self.take()
                following = self.take()
                found.append(following if following in ('"', "\\", "$", "`") else f"\\{following}")
            elif char in "$`":
                found.append(self._dollar(draft))
            else:
                found.append(self.take().replace(JOINED, ""))
        self.take()
        return "".join(found)

    def _dollar(self, draft: _Draft) -> str:
        char = self.take()
        if char == "`":
            line = self.line
            text = self._until("`")
            draft.inner.append(_nested(text, line, self.depth))
            return "$()"
        if self.peek() == "(":
            self.take()
            draft.inner.append(self.script(")"))
            return "$()"
        if self.peek() == "{":
            return "$" + self._braces(draft)
        if self.peek() == "'":
            self.take()
            return self._until("'")
        return "$"

    def _braces(self, draft: _Draft) -> str:
        found = [self.take()]
        depth = 1
        while depth and (char := self.peek()):
            if char == "$" and self.peek(1) == "(":
                found.append(self._dollar(draft))
                continue
            depth += {"{": 1, "}": -1}.get(char, 0)
            found.append(self.take())
        return "".join(found)


def _nested(text: str, line: int, depth: int) -> Script:
    return _Reader(text, line, depth).script("")


# Programs that run another one, each with how many words of its own come before it, flags aside.
_PREFIXES = {
    "sudo": 0, "env": 0, "nohup": 0, "exec": 0, "command": 0, "builtin": 0, "busybox": 0, "toybox": 0, "nice": 0,
    "ionice": 0, "setsid": 0, "stdbuf": 0, "time": 0, "doas": 0, "xargs": 0, "timeout": 1, "chroot": 1, "gosu": 1,
    "su-exec": 1, "setpriv": 0, "unbuffer": 0, "tini": 0, "dumb-init": 0, "catatonit": 0, "faketime": 1, "runuser": 0,
}  # fmt: skip
_FLAGS_WITH_VALUE = {
    "sudo": {"-u", "-g", "-h", "-p", "-C", "-r", "-t"}, "nice": {"-n"}, "ionice": {"-c", "-n"}, "env": {"-u", "-C"},
    "xargs": {"-I", "-n", "-P", "-L", "-d", "-E", "-a", "-s"}, "timeout": {"-s", "-k"}, "stdbuf": {"-i", "-o", "-e"},
    "runuser": {"-u", "-g"},
}  # fmt: skip


def plain(command: Command) -> Command:
    """The command without what only starts it (``sudo``, ``env A=b``, ``timeout 5``), its name without a path."""
    words = list(command.words)
    for _ in range(8):
        if not words:
            break
        name = words[0].rpartition("/")[2]
        if name not in _PREFIXES or len(words) == 1:
            break
        words = _without_prefix(name, words[1:])
    if words:
        words[0] = words[0].rpartition("/")[2] or words[0]
    return replace(command, words=tuple(words))


def _without_prefix(name: str, words: list[str]) -> list[str]:
    own = _PREFIXES[name]
    while words:
        word = words[0]
        if word in _FLAGS_WITH_VALUE.get(name, ()):
            words = words[2:]
        elif word.startswith("-") or (name in ("env", "sudo") and "=" in word):
            words = words[1:]
        elif own:
            own -= 1
            words = words[1:]
        else:
            break
    return words
