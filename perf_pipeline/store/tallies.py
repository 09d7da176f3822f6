"""How often each value of a benchmark's samples occurs, by kind: all that their figures need.

A million durations in whole µs are some ten thousand values. Summaries and histograms come from
these, and the samples are looked at once for each of what they add to metrics (a word of
metrics/catalog.py), not once for each metric and each way of grouping it.
Add here: nothing for a new metric; its word is enough. Keep out: figures (tallied_figures.py).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import duckdb

from perf_pipeline.metrics.catalog import CATALOG, Metric
from perf_pipeline.store.metric_sql import SAMPLE_VALUES
from perf_pipeline.store.records import OF_KEY, RunKey

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MEASURED: Final = f"""(
    select * exclude (run_id, benchmark) from sample_kinds where {OF_KEY} and phase = 'measured'
)"""
_ROWS: Final = f"(from sample_rows where {OF_KEY} and kind in (select kind from {_MEASURED}))"
_KINDS: Final = f"""
select kind, scenario, protocol, operation, cast(status as varchar), outcome, error
from {_MEASURED} order by kind
"""
_WORDS: Final = (*SAMPLE_VALUES,)
"""A word is a number in the tables, as texts take longer to group by."""
# Words that only ask how a sample ended, of which there are few combinations.
_OF_ENDINGS: Final = frozenset(
    {"count", "failed", "answered", "good", "not_good", "serialization_failure", "deadlock"}
    | {"retried"}
)
_MAKE: Final = """
create or replace temp table tallies (
    word integer, kind integer, value bigint, times bigint, last_us bigint
)
"""
# With the first of the kinds that no tag tells apart: protocols and folded names do.
_MAKE_FED: Final = """
create or replace temp table fed as
select unnest($metrics::varchar[]) as metric, unnest($ids::integer[]) as metric_id,
    unnest($words::integer[]) as word, unnest($divisors::double[]) as divisor,
    unnest($kinds::integer[]) as kind, unnest($alike::integer[]) as alike
"""
_DROP: Final = "drop table if exists {table}"
_ENDINGS: Final = f"""(
    select kind, outcome, error, checks_failed, ended_us, times
    from (
        select kind, if(checks_failed = 0, 0, 1) as checks_failed, max(ended_us) as ended_us,
            count(*) as times
        from {_ROWS} group by all
    ) join {_MEASURED} using (kind)
)"""
_SAMPLES: Final = f"""(
    select *, 1 as times from (from sample_rows where {OF_KEY}) join {_MEASURED} using (kind)
)"""
_TOGETHER: Final = """
insert into tallies
select word, kind, value, cast(sum(times) as bigint), max(ended_us)
from (
    select unnest([{words}]) as word, kind, unnest([{values}]) as value, times, ended_us
    from {rows}
) where value is not null group by word, kind, value
"""
_ALONE: Final = f"""
insert into tallies
select {{word}}, kind, {{value}} as value, count(*), max(ended_us)
from {_SAMPLES} where {{only}} group by kind, value
"""
_READ: Final = """
select kind, value, times, last_us from tallies where word = $word
"""
_READ_ALL: Final = "select word, kind, value, times, last_us from tallies"
_FEW_ROWS: Final = 50_000
_FEW: Final = f"select count(*) <= {_FEW_ROWS} from (from {_ROWS} limit {_FEW_ROWS + 1})"


@dataclass(frozen=True, slots=True)
class SampleKind:
    """Hold what is known of all samples of a kind, as tags filter it."""

    scenario: str
    protocol: str
    operation: str
    status: str
    outcome: str
    error: str

    @property
    def is_undecided(self) -> bool:
        """Tell whether it was interrupted, and nobody can call that a failure."""
        return self.outcome == "interrupted" and not self.error


@dataclass(frozen=True, slots=True)
class Tally:
    """Hold the values of a word, smallest first; four columns of one length.

    Attributes:
        kinds: the kinds of samples.
        values: as whole numbers.
        times: how many samples of the kind have the value.
        last_us: when the last of them ended.
    """

    kinds: "NDArray[np.int32]"
    values: "NDArray[np.int64]"
    times: "NDArray[np.int64]"
    last_us: "NDArray[np.int64]"


@dataclass(frozen=True, slots=True)
class Tallies:
    """Hold the tallies of a benchmark's measured samples, as tables of the connection.

    Attributes:
        connection: to the history.
        kinds: by number.
        fed: by metric of samples its kinds; none for a metric without any.
        are_few: they are read at once, as a question costs more than rows.
    """

    connection: duckdb.DuckDBPyConnection
    kinds: dict[int, SampleKind]
    fed: dict[str, list[int]]
    are_few: bool = False

    def by_word(self) -> Iterator[tuple[str, Tally]]:
        """Read the tally of each thing that samples add to these metrics; one after the other."""
        words = _words_of(self.fed)
        if not (self.kinds and words):
            return
        if self.are_few:
            read = self.connection.execute(_READ_ALL).fetchnumpy()
            for word in words:
                chosen = read["word"] == _WORDS.index(word)
                yield word, _sorted({name: column[chosen] for name, column in read.items()})
            return
        for word in words:
            given = {"word": _WORDS.index(word)}
            yield word, _sorted(self.connection.execute(_READ, given).fetchnumpy())


def _sorted(read: "Mapping[str, NDArray[Any]]") -> Tally:
    order = read["value"].argsort()
    return Tally(*(read[name][order] for name in ("kind", "value", "times", "last_us")))


def _words_of(metrics: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(map(_word_of, metrics)))


@contextmanager
def tallied(
    connection: duckdb.DuckDBPyConnection, key: RunKey, metrics: Iterable[Metric]
) -> Iterator[Tallies]:
    """Tally the samples of a benchmark for some metrics; the tables go with the block."""
    rows = connection.execute(_KINDS, key.parameters).fetchall()
    kinds = {kind: SampleKind(*texts) for kind, *texts in rows}
    fed = {metric.name: _kinds_for(metric, kinds) for metric in metrics if metric.source}
    are_few = False
    try:
        if kinds and fed:
            are_few = _tally(connection, key, _words_of(fed))
            _write_fed(connection, fed, kinds)
        yield Tallies(connection, kinds, fed, are_few)
    finally:
        # After an error in a transaction there is nothing left to drop them in.
        with suppress(duckdb.TransactionException):
            for table in ("tallies", "fed"):
                connection.execute(_DROP.format(table=table))


def _kinds_for(metric: Metric, kinds: dict[int, SampleKind]) -> list[int]:
    source = metric.source
    assert source is not None
    return [
        number
        for number, kind in kinds.items()
        if source.protocol in {"", kind.protocol}
        and (not source.operations or kind.operation in source.operations)
    ]


def _word_of(metric: str) -> str:
    source = CATALOG[metric].source
    assert source is not None
    return source.value


def _tally(connection: duckdb.DuckDBPyConnection, key: RunKey, words: Sequence[str]) -> bool:
    """Fill the tallies, of few samples all words at once; tell whether they are few."""
    connection.execute(_MAKE)
    ((has_few,),) = connection.execute(_FEW, key.parameters).fetchall()
    if has_few:
        connection.execute(_together(words, _SAMPLES), key.parameters)
        return True
    if endings := [word for word in words if word in _OF_ENDINGS]:
        connection.execute(_together(endings, _ENDINGS), key.parameters)
    for word in words:
        if word not in _OF_ENDINGS:
            value, _, only = _sql_of(word)
            number = _WORDS.index(word)
            statement = _ALONE.format(word=number, value=value, only=only or "true")
            connection.execute(statement, key.parameters)
    return False


def _together(words: Sequence[str], rows: str) -> str:
    values = ", ".join(
        f"case when {only or 'true'} then cast({value} as bigint) end"
        for value, _, only in map(_sql_of, words)
    )
    numbers = ", ".join(str(_WORDS.index(word)) for word in words)
    return _TOGETHER.format(words=numbers, values=values, rows=rows)


def _sql_of(word: str) -> tuple[str, int, str]:
    return next(sql for name, sql in SAMPLE_VALUES.items() if name == word)


def _write_fed(
    connection: duckdb.DuckDBPyConnection,
    fed: Mapping[str, Sequence[int]],
    kinds: Mapping[int, SampleKind],
) -> None:
    firsts: dict[SampleKind, int] = {}
    alike = {n: firsts.setdefault(replace(kind, protocol=""), n) for n, kind in kinds.items()}
    rows = [
        (metric, metric_id, _WORDS.index(word), float(_sql_of(word)[1]), kind, alike[kind])
        for metric_id, (metric, of_metric) in enumerate(fed.items())
        for word in [_word_of(metric)]
        for kind in of_metric
    ]
    columns = zip(*rows, strict=True) if rows else [()] * 6
    names = ("metrics", "ids", "words", "divisors", "kinds", "alike")
    connection.execute(_MAKE_FED, dict(zip(names, map(list, columns), strict=True)))
