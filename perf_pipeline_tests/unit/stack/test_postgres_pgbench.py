"""What pgbench prints is read as it is meant; the texts are its own, captured once."""

import pytest

from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.stack.postgres_pgbench import failure_in, rate_in

# pgbench 18.4 of the wheel that the stack uses: -n -M prepared -c 2 -j 2 -T 1
OUTPUT_18 = """\
pgbench (18.4)
transaction type: /tmp/s.sql
scaling factor: 1
query mode: prepared
number of clients: 2
number of threads: 2
maximum number of tries: 1
duration: 1 s
number of transactions actually processed: 79980
number of failed transactions: 0 (0.000%)
latency average = 0.025 ms
initial connection time = 7.093 ms
tps = 80467.633861 (without initial connection time)
"""
# https://www.postgresql.org/docs/13/pgbench.html, "Notes": two rates, of which ours is the second.
OUTPUT_13 = """\
transaction type: <builtin: TPC-B (sort of)>
scaling factor: 10
query mode: simple
number of clients: 10
number of threads: 1
number of transactions per client: 1000
number of transactions actually processed: 10000/10000
tps = 85.184871 (including connections establishing)
tps = 85.296346 (excluding connections establishing)
"""
# All clients of 18.4 aborted at their first statement; exit code 2.
ABORTED = """\
pgbench (18.4)
transaction type: /tmp/s.sql
scaling factor: 1
query mode: prepared
number of clients: 2
number of threads: 2
maximum number of tries: 1
duration: 1 s
number of transactions actually processed: 0
"""
ABORTED_ERRORS = """\
pgbench: error: ERROR:  relation "nowhere" does not exist
LINE 1: select nothing from nowhere;
                            ^
pgbench: error: client 1 script 0 aborted in command 0 query 0: ERROR:  prepared statement "P_0" \
does not exist
pgbench: error: Run was aborted; the above results are incomplete.
"""
REFUSED_ERRORS = """\
pgbench: error: connection to server at "127.0.0.1", port 1 failed: Connection refused
\tIs the server running on that host and accepting TCP/IP connections?
pgbench: error: could not create connection for setup
"""
SYNTAX_ERRORS = """\
pgbench: error: /tmp/s.sql:1: syntax error in command "set"
\\set x random(1
               ^ error found here
"""


@pytest.mark.parametrize(
    ("output", "rate"), [(OUTPUT_18, 80_467.633861), (OUTPUT_13, 85.296346)], ids=["18.4", "13"]
)
def test_the_rate_is_the_one_without_the_time_of_connecting(output: str, rate: float) -> None:
    assert rate_in(output) == rate


@pytest.mark.parametrize("output", [ABORTED, ""], ids=["aborted", "nothing"])
def test_an_output_without_a_rate_is_no_rate_of_zero(output: str) -> None:
    with pytest.raises(TargetUnavailableError, match="pgbench printed no rate"):
        rate_in(output)


@pytest.mark.parametrize(
    ("errors", "what"),
    [
        (ABORTED_ERRORS, 'ERROR:  relation "nowhere" does not exist'),
        (
            REFUSED_ERRORS,
            'connection to server at "127.0.0.1", port 1 failed: Connection refused',
        ),
        (SYNTAX_ERRORS, '/tmp/s.sql:1: syntax error in command "set"'),
        ("/lib/libc.so.6: version `GLIBC_2.38' not found\nmore\n", "GLIBC_2.38"),
        ("", "without a word"),
    ],
    ids=["aborted", "refused", "syntax", "another program's", "silent"],
)
def test_a_failure_is_told_by_its_cause_and_not_by_its_last_line(errors: str, what: str) -> None:
    assert what in failure_in(errors)
    assert "\n" not in failure_in(errors)
