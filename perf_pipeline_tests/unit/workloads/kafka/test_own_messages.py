"""Keys and sizes come as often as their distributions say; ids are found where they stand."""

import random
import statistics
from collections import Counter

import pytest

from perf_pipeline.config.own_topics import Keys, Sizes
from perf_pipeline.metrics.message_ids import text_of_id
from perf_pipeline.workloads.kafka.message_ids import id_at
from perf_pipeline.workloads.kafka.own_messages import key_draw, size_draw

DRAWS = 20_000
# Of a share p the standard error is sqrt(p (1 - p) / 20,000) <= 0.0036; 5 of them.
NEAR = 0.018


def shares(keys: Keys) -> dict[bytes, float]:
    draw, chance = key_draw(keys), random.Random(1)
    return {
        key: count / DRAWS for key, count in Counter(draw(chance) for _ in range(DRAWS)).items()
    }


def test_uniform_keys_come_alike() -> None:
    found = shares(Keys(count=4, prefix="k"))

    assert found.keys() == {b"k1", b"k2", b"k3", b"k4"}
    assert all(share == pytest.approx(0.25, abs=NEAR) for share in found.values())


def test_zipf_gives_the_first_key_the_most() -> None:
    """1, 1/2 and 1/3 of the whole 11/6 are 6/11, 3/11 and 2/11."""
    found = shares(Keys(count=3, skew="zipf", exponent=1.0))

    assert found[b"1"] == pytest.approx(6 / 11, abs=NEAR)
    assert found[b"2"] == pytest.approx(3 / 11, abs=NEAR)
    assert found[b"3"] == pytest.approx(2 / 11, abs=NEAR)


def test_hot_keys_get_their_share_together() -> None:
    found = shares(Keys(count=100, skew="hot", hot=2, share=0.8))

    assert found[b"1"] + found[b"2"] == pytest.approx(0.8, abs=NEAR)
    assert found[b"1"] == pytest.approx(0.4, abs=NEAR)
    assert len(found) == 100


def test_sizes_are_uniform_between_their_bounds() -> None:
    draw, chance = size_draw(Sizes(least=100, most=300), 1), random.Random(2)
    sizes = [len(draw(chance)) for _ in range(DRAWS)]

    assert (min(sizes), max(sizes)) == (100, 300)
    # Standard error of the mean: 200 / sqrt(12) / sqrt(20,000) = 0.41.
    assert statistics.fmean(sizes) == pytest.approx(200, abs=2.1)


def test_log_normal_sizes_have_the_median_and_the_p99_that_were_written() -> None:
    draw, chance = size_draw(Sizes(median=500, p99=5_000, most=20_000), 1), random.Random(3)
    sizes = sorted(len(draw(chance)) for _ in range(DRAWS))

    assert statistics.median(sizes) == pytest.approx(500, rel=0.04)
    assert sizes[DRAWS * 99 // 100] == pytest.approx(5_000, rel=0.15)
    assert sizes[-1] <= 20_000


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (b'{"order": {"id": "a-1"}}', "a-1"),
        (b'{"order": {"id": 17}}', "17"),
        (b'{"order": {"id": true}}', ""),
        (b'{"order": {"id": null}}', ""),
        (b'{"order": []}', ""),
        (b"no json", ""),
        (b"\xff", ""),
        (b'{"order": {"id": "a\\nb"}}', ""),
    ],
)
def test_an_id_is_found_at_its_place_or_there_is_none(value: bytes, found: str) -> None:
    assert id_at(value, ("order", "id")) == found


def test_a_letter_of_a_text_is_no_id() -> None:
    assert id_at(b'{"id": "abc"}', ("id", 0)) == ""


def test_an_id_that_is_too_long_is_none() -> None:
    assert text_of_id("x" * 200) == "x" * 200
    assert text_of_id("x" * 201) == ""
