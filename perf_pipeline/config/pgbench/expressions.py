r"""The expressions of pgbench's `\set` and `\if`, read into a tree.

Precedence, from the weakest: OR; AND; NOT; IS, ISNULL, NOTNULL; comparisons; | # & << >>; + -;
* / %; unary + - ~. Source: https://www.postgresql.org/docs/current/pgbench.html (operators).
Add here: another operator or function. Keep out: values (workloads/postgres/script_values.py).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from perf_pipeline.spelling import meant

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<double>(?:\d+\.\d*|\.\d+)(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+)|(?P<int>\d+)"
    r"|:(?P<variable>[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_\x80-\U0010ffff]*)"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_]*)|(?P<sign><=|>=|<>|!=|==|<<|>>|[-+*/%<>=|#&~(),]))"
)
_LARGEST: Final = 2**63  # read only as the operand of a unary minus
# Name -> the least and the most arguments.
FUNCTIONS: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {
        "abs": (1, 1),
        "debug": (1, 1),
        "double": (1, 1),
        "exp": (1, 1),
        "greatest": (1, 100),
        "hash": (1, 2),
        "hash_fnv1a": (1, 2),
        "hash_murmur2": (1, 2),
        "int": (1, 1),
        "least": (1, 100),
        "ln": (1, 1),
        "mod": (2, 2),
        "permute": (2, 3),
        "pi": (0, 0),
        "pow": (2, 2),
        "power": (2, 2),
        "random": (2, 2),
        "random_exponential": (3, 3),
        "random_gaussian": (3, 3),
        "random_zipfian": (3, 3),
        "sqrt": (1, 1),
    }
)
_COMPARISONS: Final = {"<": "<", ">": ">", "<=": "<=", ">=": ">=", "=": "=", "==": "=",
                       "<>": "<>", "!=": "<>"}  # fmt: skip
_LEVELS: Final = (("|", "#", "&", "<<", ">>"), ("+", "-"), ("*", "/", "%"))
_CONSTANTS: Final = MappingProxyType({"null": None, "true": True, "false": False})
Value = int | float | bool | None


@dataclass(frozen=True, slots=True)
class Constant:
    """Hold a value that is written in the script."""

    value: Value


@dataclass(frozen=True, slots=True)
class Reference:
    """Refer to a variable of the script."""

    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """Hold an operator, a function or `case` with its arguments.

    Attributes:
        name: such as `+`, `and`, `random`; the arguments of `case` are condition, value, ... and
            default.
        arguments: the arguments in order.
    """

    name: str
    arguments: tuple["Expression", ...]


Expression = Constant | Reference | Call


def parse_expression(text: str) -> Expression:
    """Read an expression.

    >>> parse_expression("1 + 2 * :n").arguments[1].name
    '*'

    Raises:
        ValueError: the text is not an expression; the sentence says where, and what would be right.
    """
    reader = _Reader(text)
    found = reader.level_or()
    if reader.sign or reader.word:
        raise ValueError(f"{reader.shown} is not expected at this place of the expression")
    return found


class _Reader:
    """Read tokens one by one; each method reads one level of precedence."""

    def __init__(self, text: str) -> None:
        self._text = text.strip()
        self._at = 0
        self._next()

    @property
    def shown(self) -> str:
        """Return the current token as it is written, for sentences."""
        return repr(self._token) if self._token else "the end"

    def _next(self) -> None:
        rest = self._text[self._at :]
        found = _TOKEN.match(rest)
        if found is None and rest.strip():
            raise ValueError(f"{rest.strip()[:20]!r} can't stand in an expression")
        self._token = found[0].strip() if found else ""
        self._kind = str(found.lastgroup) if found else ""
        self.sign = self._token if self._kind == "sign" else ""
        self.word = "" if self._kind in {"sign", ""} else self._token
        self._at += len(found[0]) if found else 0

    def _takes(self, *tokens: str) -> str:
        token = self._token.lower() if self._kind in {"word", "sign"} else ""
        if token not in tokens:
            return ""
        self._next()
        return token

    def _expect(self, token: str) -> None:
        if not self._takes(token):
            raise ValueError(f"{token!r} is expected before {self.shown}")

    def level_or(self) -> Expression:
        left = self._level_and()
        while self._takes("or"):
            left = Call("or", (left, self._level_and()))
        return left

    def _level_and(self) -> Expression:
        left = self._level_not()
        while self._takes("and"):
            left = Call("and", (left, self._level_not()))
        return left

    def _level_not(self) -> Expression:
        return Call("not", (self._level_not(),)) if self._takes("not") else self._level_is()

    def _level_is(self) -> Expression:
        left = self._comparison()
        while word := self._takes("is", "isnull", "notnull"):
            if word != "is":
                test = Call("is", (left, Constant(None)))
                left = test if word == "isnull" else Call("not", (test,))
                continue
            is_not = self._takes("not")
            constant = self._takes(*_CONSTANTS)
            if not constant:
                raise ValueError(f"null, true or false is expected before {self.shown}")
            test = Call("is", (left, Constant(_CONSTANTS[constant])))
            left = Call("not", (test,)) if is_not else test
        return left

    def _comparison(self) -> Expression:
        left = self._binary(0)
        if sign := self._takes(*_COMPARISONS):
            return Call(_COMPARISONS[sign], (left, self._binary(0)))
        return left

    def _binary(self, level: int) -> Expression:
        if level == len(_LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        while sign := self._takes(*_LEVELS[level]):
            left = Call(sign, (left, self._binary(level + 1)))
        return left

    def _unary(self) -> Expression:
        match self._takes("-", "+", "~"):
            case "-":
                inner = self._unary()
                if isinstance(inner, Constant) and type(inner.value) in {int, float}:
                    return Constant(-inner.value)  # type: ignore[operator]  # a number
                return Call("-", (Constant(0), inner))
            case "~":
                return Call("#", (self._unary(), Constant(-1)))
            case "+":
                return self._unary()
        return self._primary()

    def _primary(self) -> Expression:
        kind, token = self._kind, self._token
        if self._takes("("):
            inner = self.level_or()
            self._expect(")")
            return inner
        if kind not in {"int", "double", "variable", "word"}:
            raise ValueError(f"a value is expected before {self.shown}")
        self._next()
        match kind:
            case "int":
                if int(token) > _LARGEST:
                    raise ValueError(f"{token} is larger than any bigint")
                return Constant(int(token))
            case "double":
                return Constant(float(token))
            case "variable":
                return Reference(token[1:])
        return self._named(token.lower())

    def _named(self, word: str) -> Expression:
        if word in _CONSTANTS:
            return Constant(_CONSTANTS[word])
        if word == "case":
            return self._case()
        if word not in FUNCTIONS:
            raise ValueError(f"there is no function {word!r}{meant(word, FUNCTIONS)}")
        self._expect("(")
        arguments: list[Expression] = []
        while not self._takes(")"):
            if arguments:
                self._expect(",")
            arguments.append(self.level_or())
        least, most = FUNCTIONS[word]
        if not least <= len(arguments) <= most:
            wanted = f"{least}" if least == most else f"{least} to {most}"
            raise ValueError(f"{word} has {len(arguments)} arguments; it takes {wanted}")
        return Call(word, tuple(arguments))

    def _case(self) -> Expression:
        parts: list[Expression] = []
        while self._takes("when"):
            parts.append(self.level_or())
            self._expect("then")
            parts.append(self.level_or())
        if not parts:
            raise ValueError(f"when is expected before {self.shown}")
        parts.append(self.level_or() if self._takes("else") else Constant(None))
        self._expect("end")
        return Call("case", tuple(parts))
