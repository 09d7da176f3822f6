"""Measured windows by scenario and operation, also of very many operations."""

from time import process_time

from perf_pipeline.store.windows import windows_of


def test_an_operation_tells_something_when_it_is_not_the_whole_of_one_scenario() -> None:
    parts = [("a", "shared"), ("b", "shared"), ("b", "own of b"), ("c", "all of c")]

    windows = windows_of(10.0, {"a": (0, 5_000_000), "idle": (0, 1)}, parts)

    assert windows.telling_operations == {"shared", "own of b"}
    assert windows.scenarios == {"a", "b", "c", "idle"}
    assert windows.doing["shared"] == {"a", "b"}


def test_an_operation_has_the_window_of_the_scenarios_that_do_it() -> None:
    spans = {"a": (1_000_000, 3_000_000), "b": (2_000_000, 6_000_000), "c": (0, 20_000_000)}
    windows = windows_of(20.0, spans, [("a", "x"), ("b", "x"), ("c", "y")])

    # from 1 s to 6 s
    assert windows.seconds({"operation": "x"}) == 5.0
    assert windows.seconds({"operation": "x"}, ["b"]) == 4.0
    assert windows.seconds({"operation": "nobody's"}) == 20.0


def test_ten_times_the_names_take_ten_times_as_long_and_not_a_hundred_times() -> None:
    def took_s(names: int) -> float:
        parts = [(f"s{n % 7}", f"op {n}") for n in range(names)]
        began = process_time()
        windows = windows_of(1.0, {}, parts)
        # what the summary of each operation asks
        for _, operation in parts:
            assert operation in windows.telling_operations
            windows.seconds({"operation": operation})
        return process_time() - began

    few_s, many_s = (min(took_s(names) for _ in range(5)) for names in (2_000, 20_000))

    assert many_s < 40 * few_s
