"""Read TOML into tables, and turn every failure of the parser into a sentence.

Add here: another way in which the parser fails. Keep out: what the tables mean.
"""

import re
import tomllib
from typing import Any, Final

from perf_pipeline.quoting import on_one_line

_TOO_DEEP: Final = "its tables and lists are nested too deeply to be read"
_LONG_NUMBER: Final = re.compile(r"[0-9_]{300,}")
_NO_NUMBER: Final = "it has a whole number of {:,} digits; a number may have at most 19"


def read_toml(text: str) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        ValueError: the text is not TOML; the sentence says where.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"it is not valid TOML: {on_one_line(str(error))}") from error
    except RecursionError as error:
        raise ValueError(_TOO_DEEP) from error
    except ValueError as error:
        # int() refuses thousands of digits, and some dates don't exist.
        longest = max(map(len, _LONG_NUMBER.findall(text)), default=0)
        sentence = _NO_NUMBER.format(longest) if longest else f"it is not valid TOML: {error}"
        raise ValueError(sentence) from error


def read_value(text: str) -> Any:
    """Read a TOML value; a text that is not a TOML value is taken as it is.

    Raises:
        ValueError: the value is nested too deeply, or too long to be read.
    """
    try:
        table = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text.strip()
    except (ValueError, RecursionError):
        return read_toml(f"value = {text}")["value"]
    return table["value"] if len(table) == 1 else text.strip()
