"""What files with a row for each request share: how scenarios and errors are called.

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
