"""What files with a row for each request share: names of scenarios and errors, credible moments.

Add here: another word that tools use for an error. Keep out: the columns of a format.
"""

from typing import Final

PLAIN: Final = "coalesce(nullif(regexp_replace({}, '[^0-9A-Za-z_-]+', '_', 'g'), ''), '{}')"
"""SQL that makes the name of a scenario of a text; the second is for an empty one."""

ERROR_OF_TEXT: Final = """case
    when {0} ilike '%timeout%' or {0} ilike '%timed out%' or {0} ilike '%deadline exceeded%'
        then 'timeout'
    when {0} ilike '%refused%' or {0} ilike '%HttpHostConnect%' then 'refused'
    when {0} ilike '%UnknownHost%' or {0} ilike '%no such host%' then 'dns'
    when {0} ilike '%reset%' then 'reset'
    when {0} ilike '%EOF%' or {0} ilike '%NoHttpResponse%' or {0} ilike '%closed%' then 'closed'
    else 'error' end"""
"""SQL that names the error of a request that was not answered, by the text of a tool."""

CREDIBLE_MOMENT: Final = (
    "coalesce({} between timestamptz '1990-01-01 00:00:00+00' and "
    "timestamptz '2200-01-01 00:00:00+00', false)"
)
"""SQL that says whether a load can have run then; seconds read as milliseconds are of 1970."""

LONGEST_MS: Final = 100_000_000_000
"""No operation takes as long as these three years, and neither does a load."""
