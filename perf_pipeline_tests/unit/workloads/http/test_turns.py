"""Whoever has an answer goes on, whatever becomes of the others."""

import asyncio

import pytest

from perf_pipeline.workloads.http.answer_takers import AnswerTurns, TakesItsTurn


class Taker(TakesItsTurn):
    """Note that it went on, or fail."""

    def __init__(self, turns: AnswerTurns, went_on: list[int], number: int) -> None:
        super().__init__(turns)
        self.went_on, self.number = went_on, number

    def go_on(self) -> None:
        self.went_on.append(self.number)
        if self.number % 2:
            raise ValueError(self.number)


@pytest.mark.parametrize("number", [1, 6])
def test_those_behind_one_that_fails_go_on_once_each_and_the_failures_are_told(number: int) -> None:
    went_on, failed = list[int](), list[str]()

    async def go() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: failed.append(str(context["exception"])))
        turns = AnswerTurns()
        for its in range(number):
            Taker(turns, went_on, its).take("")
        for _ in range(number + 1):
            await asyncio.sleep(0)

    asyncio.run(go())

    assert went_on == list(range(number))
    assert failed == [str(its) for its in range(1, number, 2)]
