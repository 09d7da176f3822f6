r"""A script of pgbench, read into steps: statements, `\set`, `\sleep`, and jumps for `\if`.

Add here: another meta command. Keep out: files and weights (parameters.py), values and what a
server answers (workloads/postgres/).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from perf_pipeline.config.pgbench.expressions import (
    Constant,
    Expression,
    Reference,
    parse_expression,
)
from perf_pipeline.config.sql_text import replaced, spans_in
from perf_pipeline.spelling import meant

_NAME: Final = r"[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_\x80-\U0010ffff]*"
_VARIABLE: Final = re.compile(rf"(?<!:):({_NAME})")
_META: Final = re.compile(r"\\(?P<name>[a-z]*)(?P<rest>(?:[^\n\\]|\\(?!\r?\n)|\\\r?\n)*)")
_BREAKS: Final = re.compile(r";|\\")
_GSET: Final = re.compile(rf"\s*(?P<prefix>{_NAME})?\s*")
_WORDS: Final = re.compile(r"[A-Za-z0-9_.]+")
_SLEEP: Final = re.compile(rf"(?:(?P<number>\d+)|:(?P<name>{_NAME}))\s*(?P<unit>us|ms|s)?")
_UNITS: Final = {"us": 1, "ms": 1_000, "s": 1_000_000, None: 1_000_000}
_REFUSED: Final = {
    "shell": "runs a command of this machine's shell, which is not done here",
    "setshell": "runs a command of this machine's shell, which is not done here",
    "startpipeline": "sends statements without awaiting answers, so that none of them has a time "
    "of its own; leave the pipeline out",
    "endpipeline": "ends a pipeline, which is not run here; leave it out",
    "syncpipeline": "belongs to a pipeline, which is not run here; leave it out",
    "aset": "is not known here; use one statement with \\gset for each value",
}
_KNOWN: Final = ("set", "sleep", "if", "elif", "else", "endif", "gset", *_REFUSED)
_LONGEST_NAME: Final = 40


@dataclass(frozen=True, slots=True)
class ScriptStatement:
    """Send a statement.

    Attributes:
        line: the line where it begins.
        parts: texts, with references in the places of variables.
        gset: the prefix of the variables that get the values of its one row; None if there are
            none.
        label: the name of the statement in reports.
    """

    line: int
    parts: tuple[str | Reference, ...]
    gset: str | None
    label: str


@dataclass(frozen=True, slots=True)
class SetVariable:
    """Give a variable the value of an expression."""

    line: int
    name: str
    expression: Expression


@dataclass(frozen=True, slots=True)
class Sleep:
    """Pause for the value of the expression times the unit, in µs."""

    line: int
    expression: Expression
    unit_us: int


@dataclass(frozen=True, slots=True)
class Jump:
    """Go on at another step unless the condition holds; without a condition, always do so."""

    line: int
    condition: Expression | None
    to: int


ScriptStep = ScriptStatement | SetVariable | Sleep | Jump


def parse_script(text: str) -> tuple[ScriptStep, ...]:
    """Read a script.

    Raises:
        ValueError: the script can't be run; the sentence begins with the line.
    """
    reader = _ScriptReader()
    for line, kind, content in _commands(text):
        try:
            reader.take(line, kind, content)
        except ValueError as error:
            raise ValueError(f"line {line}: {error}") from error
    return reader.finish()


def _commands(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield line, kind (`sql`, `gset` or a meta command) and content of each command in order."""
    spans = spans_in(_without_meta(text))
    code = replaced(text, spans, lambda span: " " * (span.end - span.start))
    at = start = 0
    while found := _BREAKS.search(code, at):
        at = found.end()
        sql = text[start : found.start()]
        if found[0] == ";":
            if _bare(sql):
                yield _line(text, start, sql), "sql", sql.strip()
            start = at
            continue
        if text.startswith("\\;", found.start()):
            at += 1
            continue
        meta = _META.match(text, found.start())
        assert meta is not None
        at = meta.end()
        line = _line(text, found.start(), "")
        rest = re.sub(r"\\\r?\n", " ", meta["rest"]).strip()
        if meta["name"] in {"gset", "aset"} and _bare(sql):
            yield _line(text, start, sql), meta["name"], f"{sql.strip()}\0{rest}"
        else:
            if _bare(sql):
                yield line, "inside", meta["name"]
            yield line, meta["name"], rest
        start = at
    if _bare(text[start:]):
        yield _line(text, start, text[start:]), "sql", text[start:].strip()


def _without_meta(text: str) -> str:
    """Blank the lines of meta commands, whose quotes have no meaning in SQL."""

    def blank(found: re.Match[str]) -> str:
        return re.sub(r"[^\n]", " ", found[0])

    return re.sub(rf"(?m)^[ \t]*{_META.pattern}", blank, text)


def _bare(sql: str) -> str:
    """Return a text without comments; empty if it is not a statement."""
    code = replaced(sql, spans_in(sql), lambda span: "" if span.kind == "a comment" else "'")
    return code.strip()


def _line(text: str, start: int, sql: str) -> int:
    return text.count("\n", 0, start + len(sql) - len(sql.lstrip())) + 1


class _ScriptReader:
    r"""Collect steps; each open `\if` remembers the jumps that still need a target."""

    def __init__(self) -> None:
        self._steps: list[ScriptStep] = []
        # of each open `\if`: its line, the jump if it is untrue, the jumps to its end
        self._open: list[tuple[int, int | None, list[int]]] = []
        self._statements = 0

    def take(self, line: int, kind: str, content: str) -> None:
        """Add the steps of one command."""
        match kind:
            case "sql":
                self._statement(line, content, None)
            case "gset":
                self._gset(line, content)
            case "set":
                self._set(line, content)
            case "sleep":
                self._sleep(line, content)
            case "if" | "elif" | "else" | "endif":
                self._branch(line, kind, content)
            case "inside":
                raise ValueError(f"\\{content} stands inside a statement; end that with ; first")
            case _:
                raise ValueError(_unknown(kind))

    def finish(self) -> tuple[ScriptStep, ...]:
        """Return the steps."""
        if self._open:
            raise ValueError(f"line {self._open[-1][0]}: this \\if has no \\endif")
        if not self._statements:
            raise ValueError("line 1: there is no statement; write at least one")
        return tuple(self._steps)

    def _statement(self, line: int, sql: str, gset: str | None) -> None:
        self._statements += 1
        words = " ".join(_WORDS.findall(_bare(sql))[:3])[:_LONGEST_NAME].strip()
        parts = tuple(_parts(sql.replace("\\;", ";")))
        label = f"{self._statements} {words}".strip()
        self._steps.append(ScriptStatement(line, parts, gset, label))

    def _gset(self, line: int, content: str) -> None:
        sql, _, rest = content.partition("\0")
        prefix = _GSET.fullmatch(rest)
        if prefix is None:
            raise ValueError(f"\\gset {rest} has no prefix that a name may begin with")
        self._statement(line, sql, prefix["prefix"] or "")

    def _set(self, line: int, content: str) -> None:
        name, _, text = content.partition(" ")
        if not re.fullmatch(_NAME, name) or not text.strip():
            raise ValueError(f"\\set {content} needs a name and an expression: \\set n 1 + 2")
        self._steps.append(SetVariable(line, name, parse_expression(text)))

    def _sleep(self, line: int, content: str) -> None:
        found = _SLEEP.fullmatch(content)
        if found is None:
            raise ValueError(f"\\sleep {content} needs a number and us, ms or s: \\sleep 10 ms")
        number = found["number"]
        value = Constant(int(number)) if number else Reference(found["name"])
        self._steps.append(Sleep(line, value, _UNITS[found["unit"]]))

    def _branch(self, line: int, kind: str, content: str) -> None:
        if kind == "if":
            self._open.append((line, len(self._steps), []))
            self._steps.append(Jump(line, parse_expression(content), 0))
            return
        if not self._open:
            raise ValueError(f"\\{kind} has no \\if before it")
        began, untrue, ends = self._open.pop()
        if kind != "endif" and untrue is None:
            raise ValueError(f"\\{kind} comes after \\else")
        if kind != "endif":
            ends.append(len(self._steps))
            self._steps.append(Jump(line, None, 0))
        if untrue is not None:
            self._lead(untrue)
        if kind == "elif":
            self._open.append((began, len(self._steps), ends))
            self._steps.append(Jump(line, parse_expression(content), 0))
        elif kind == "else":
            self._open.append((began, None, ends))
        else:
            for end in ends:
                self._lead(end)

    def _lead(self, jump: int) -> None:
        """Set the target of a jump to the step that comes next."""
        step = self._steps[jump]
        assert isinstance(step, Jump)
        self._steps[jump] = Jump(step.line, step.condition, len(self._steps))


def _parts(sql: str) -> Iterator[str | Reference]:
    at = 0
    for found in _VARIABLE.finditer(sql):
        if found.start() > at:
            yield sql[at : found.start()]
        yield Reference(found[1])
        at = found.end()
    if at < len(sql):
        yield sql[at:]


def _unknown(name: str) -> str:
    if name in _REFUSED:
        return f"\\{name} {_REFUSED[name]}"
    return f"there is no command \\{name}{meant(name, _KNOWN)}"
