"""Name a metric with a tag filter, and its series, wherever people read them.

Add here: another name that is made from a metric. Keep out: names that must be identifiers
(threshold.py), and how the history stores a filter (store/tags_text.py).
"""

from collections.abc import Mapping


def written_filter(tags: Mapping[str, str]) -> str:
    """Write a tag filter as in a profile, without its braces; empty without tags.

    >>> written_filter({"scenario": "read", "operation": "get_user"})
    'scenario:read,operation:get_user'
    """
    return ",".join(f"{name}:{value}" for name, value in tags.items())


def metric_key(metric: str, tags: str) -> str:
    """Write a metric with its filter as in a profile.

    >>> metric_key("http_reqs", "scenario:read"), metric_key("http_reqs", "")
    ('http_reqs{scenario:read}', 'http_reqs')
    """
    return f"{metric}{{{tags}}}" if tags else metric


def series_label(metric: str, tags: str, statistic: str) -> str:
    """Write a series: the metric with its filter, and the statistic.

    >>> series_label("http_reqs", "scenario:read", "rate")
    'http_reqs{scenario:read} rate'
    """
    return f"{metric_key(metric, tags)} {statistic}"
