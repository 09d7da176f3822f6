"""Define the shape of each member of the spool's JSON files; status is in records.py.

Add here: the shape of a new member. Keep out: what it means (records.py).
"""

from typing import Final

from perf_pipeline.store.json_shapes import (
    Shape,
    is_finite,
    is_flag,
    is_integer,
    is_moment,
    is_number,
    is_text,
    is_whole,
    list_of,
    or_none,
    table_of,
)

RUN_SHAPES: Final[dict[str, Shape]] = {
    **dict.fromkeys(
        ("run_id", "profile", "profile_json", "config_hash", "target", "trigger", "code_version"),
        is_text,
    ),
    "seed": is_integer,  # older versions let any through; the history clips it
    "began_at": is_moment,
    "environment": table_of(is_text),
    "notices": list_of(is_text),
    "planned": or_none(list_of(is_text)),
    "problems": list_of(is_text),
    "revision": table_of(is_text),
    "machine": table_of(is_text),
    "tags": table_of(is_text),
}
OUTCOME_SHAPES: Final[dict[str, Shape]] = {
    "benchmark": is_text,
    "began_at": is_moment,
    "wall_s": is_finite,
    "measured_s": is_finite,
    "valid": is_flag,
    "invalid_reasons": list_of(is_text),
    "scenarios": list_of(lambda row: isinstance(row, dict)),
    "checks": table_of(list_of(is_text)),
    "health": table_of(is_number),
    "load_hash": is_text,
    "problems": list_of(is_text),
}
SCENARIO_SHAPES: Final[dict[str, Shape]] = {
    "name": is_text,
    "iterations": is_whole,
    "dropped_iterations": or_none(is_whole),
    "interrupted_iterations": or_none(is_whole),
    "intended_iterations": or_none(is_whole),
    "incomplete_iterations": or_none(is_whole),
    "measured_from_us": is_whole,
    "measured_until_us": is_whole,
    "invalid_reasons": list_of(is_text),
}
