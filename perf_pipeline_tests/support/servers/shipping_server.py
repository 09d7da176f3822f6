"""A shop that takes an order, answers, and completes it a moment later, in three places at once.

It shows in a table of PostgreSQL (by the database's clock), in a topic, and over HTTP. Of its
orders the third one is completed twice, and the fifth never.
Add here: another place where a completion shows. Keep out: what is wrong with it (its users say).
"""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from perf_pipeline_tests.support.servers.serving import QuietHandler, serving

WORK_S = 0.05
TWICE, NEVER = 3, 5


@dataclass(slots=True)
class Shop:
    """Hold a running shop.

    Attributes:
        complete: called with the id of each completed order.
        base_url: where it listens.
        count: orders so far, by the prefix of their ids.
        done: ids of completed orders.
    """

    complete: Callable[[str], None]
    base_url: str = ""
    count: dict[str, int] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, prefix: str) -> str:
        """Take an order, and work on it in a thread of its own."""
        with self.lock:
            number = self.count[prefix] = self.count.get(prefix, 0) + 1
        threading.Thread(target=self._work, args=(f"{prefix}-{number}", number)).start()
        return f"{prefix}-{number}"

    def _work(self, order: str, number: int) -> None:
        time.sleep(WORK_S)
        if number != NEVER:
            for _ in range(2 if number == TWICE else 1):
                self.complete(order)
            self.done.add(order)


class _Handler(QuietHandler):
    """Answer POST /orders/PREFIX with a new order, and GET /orders/ID with its state."""

    protocol_version = "HTTP/1.1"
    shop: ClassVar[Shop]

    def do_GET(self) -> None:
        """Tell the state of an order that is known."""
        order = self.path.rpartition("/")[2]
        prefix, _, number = order.rpartition("-")
        known = number.isdecimal() and int(number) <= self.shop.count.get(prefix, 0)
        state = "done" if order in self.shop.done else "working"
        self._answer(200 if known else 404, {"state": state})

    def do_POST(self) -> None:
        """Take an order."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer(201, {"id": self.shop.take(self.path.rpartition("/")[2])})

    def _answer(self, status: int, document: dict[str, str]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextlib.contextmanager
def running_shop(complete: Callable[[str], None]) -> Iterator[Shop]:
    """Run one in threads of this process."""

    class Bound(_Handler):
        """Take orders of this shop alone."""

        shop = Shop(complete)

    with serving(Bound) as base_url:
        Bound.shop.base_url = base_url
        yield Bound.shop
