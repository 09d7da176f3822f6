"""Rules about the variables of own messages.

They read the raw table, so that they find all mistakes even if a single key is wrong.
Add here: a rule about texts of messages. Keep out: what a single key may hold (own_topics.py).
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from perf_pipeline.config.variable_rules import Known, text_mistakes


def produce_mistakes(parameters: Mapping[str, Any], env: Collection[str] = ()) -> Iterator[str]:
    """Find the mistakes in raw parameters of `produce`, each as `path: sentence`.

    Args:
        parameters: the raw parameters of the scenario.
        env: names of the scenario's own values, which are not secret and may be used anywhere.
    """
    known = Known.of(parameters.get("data"), env, ())
    for place in ("key", "json", "value", "headers"):
        yield from text_mistakes(place, parameters.get(place), known)
