"""k6's grammar of thresholds: a key and an expression, as texts.

    threshold  = statistic ws comparison ws number
    statistic  = "avg" | "min" | "max" | "med" | "p(" number ")" | "count" | "rate" | "value"
    comparison = ">" | ">=" | "<" | "<=" | "==" | "===" | "!="
    key        = metric [ "{" tag ":" value { "," tag ":" value } "}" ]

Source: grafana/k6 metrics/thresholds_parser.go and metrics/metric.go.
It differs from k6 on purpose: a tag without a name or a value is refused; numbers are decimal (no
hexadecimal, underscores, NaN or Inf); a percentile lies between 0 and 100.

Add here: a rule of the grammar. Keep out: which metrics and tags there are, and what a threshold
means (threshold.py).
"""

import re
from collections.abc import Callable, Mapping
from operator import eq, ge, gt, le, lt, ne
from types import MappingProxyType
from typing import Final, Literal

from perf_pipeline.metrics.statistic import STATISTICS
from perf_pipeline.spelling import closest

Comparison = Literal[">", ">=", "<", "<=", "==", "===", "!="]

_NUMBER: Final = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
# What Go's strings.TrimSpace trims, including the no-break space of web pages.
_WS: Final = "[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]*"
_KEY: Final = re.compile(r"(?P<metric>[^{}]*)(?:\{(?P<filter>.*)\})?", re.DOTALL)
COMPARE: Final[Mapping[Comparison, Callable[[float, float], bool]]] = MappingProxyType(
    {">": gt, ">=": ge, "<": lt, "<=": le, "==": eq, "===": eq, "!=": ne}
)
_WORDS: Final = tuple(known.word for known in STATISTICS.values() if known.word != "p")
_COMPARISONS: Final = "|".join(
    sorted(COMPARE, key=len, reverse=True)
)  # the longest first, so that `>=` is not read as `>`
_EXPRESSION: Final = re.compile(
    rf"{_WS}(?:(?P<word>{'|'.join(_WORDS)})|p\((?P<percentile>{_NUMBER})\))"
    rf"{_WS}(?P<comparison>{_COMPARISONS}){_WS}(?P<bound>{_NUMBER}){_WS}",
    re.ASCII,
)
_LONGEST_MISSPELT: Final = 80
_MISSPELT: Final = re.compile(
    r"\s*(?P<word>[A-Za-z]+)\s*[(\[{_]?\s*(?P<number>[0-9]+(?:\.[0-9]+)?)?\s*%?\s*[)\]}]?"
    rf"\s*(?P<comparison>[<>=!]+)\s*(?P<bound>{_NUMBER})\s*[a-z%]*\s*"
)
_PERCENTILES: Final = frozenset({"p", "pc", "pct", "perc", "percentile", "q", "quantile"})
_ALSO_CALLED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "mean": "avg",
        "average": "avg",
        "median": "med",
        "lowest": "min",
        "highest": "max",
        "number": "count",
        "total": "count",
        "share": "rate",
        "ratio": "rate",
        "last": "value",
    }
)
_ALSO_COMPARED: Final[Mapping[str, str]] = MappingProxyType({"=": "==", "=<": "<=", "=>": ">="})
GRAMMAR_HINT: Final = (
    "write a statistic, a comparison and a number, like 'p(95)<1000', 'rate<0.01', 'count==0'"
)


def parse_key(text: str) -> tuple[str, dict[str, str]]:
    """Split `metric{tag:value,...}` into the metric and its tag filter.

    Raises:
        ValueError: the braces don't match, or a tag has no name or no value.
    """
    match = _KEY.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r}: braces don't match; write metric{{tag:value}}")
    if match["filter"] is None:
        return match["metric"].strip(), {}
    if "" in match["filter"].split(","):
        raise ValueError(f"tag filter {{{match['filter']}}}: a comma stands between two tags only")
    return match["metric"].strip(), parse_filter(match["filter"])


def parse_filter(text: str) -> dict[str, str]:
    """Read a tag filter without its braces, and trim quotes and blanks around names and values.

    As in k6, an empty part between two commas is ignored here, but is a mistake in a whole key.

    Raises:
        ValueError: the filter is empty, or a tag has no name or no value.
    """
    tags: dict[str, str] = {}
    for pair in [pair for pair in text.split(",") if pair] or [text]:
        name, colon, value = (part.strip().strip("'\"") for part in pair.partition(":"))
        if not name or not colon or not value:
            raise ValueError(
                f"tag filter {{{text}}}: {pair.strip()!r} is not name:value; "
                "write for example {scenario:create}"
            )
        tags[name] = value
    return tags


def parse_expression(text: str) -> tuple[str, float | None, Comparison, float]:
    """Read `p(95)<1000` into statistic, percentile, comparison and bound.

    >>> parse_expression("p(99.9) <= 20")
    ('p', 99.9, '<=', 20.0)

    Raises:
        ValueError: the text is not of the grammar, or the percentile is outside 0..100.
    """
    match = _EXPRESSION.fullmatch(text)
    if match is None:
        raise ValueError(f"threshold {text!r} is not understood; {GRAMMAR_HINT}{_corrected(text)}")
    bound = float(match["bound"])
    if bound in (float("inf"), float("-inf")):
        raise ValueError(f"threshold {text!r}: the bound is too large for a number")
    comparison: Comparison = match["comparison"]  # type: ignore[assignment]  # the pattern allows only these
    if match["percentile"] is None:
        return match["word"], None, comparison, bound
    percentile = float(match["percentile"])
    if not 0 <= percentile <= 100:
        raise ValueError(f"threshold {text!r}: a percentile lies between 0 and 100")
    return "p", percentile, comparison, bound


def _corrected(text: str) -> str:
    """Suggest the expression that a misspelt one may mean, where its numbers are right."""
    match = _MISSPELT.fullmatch(text[:_LONGEST_MISSPELT])
    if match is None:
        return ""
    word, number = match["word"].lower(), match["number"]
    if number:
        statistic = f"p({number})" if word in _PERCENTILES else None
    else:
        statistic = word if word in _WORDS else _ALSO_CALLED.get(word) or closest(word, _WORDS)
    comparison = _ALSO_COMPARED.get(match["comparison"], match["comparison"])
    if statistic is None or comparison not in COMPARE:
        return ""
    return f"; did you mean {statistic + comparison + match['bound']!r}?"
