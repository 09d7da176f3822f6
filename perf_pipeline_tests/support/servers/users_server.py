"""A small users API on uvicorn and h11: a server of another make than our client's parser.

Run as a program; it prints its port. A path in front of `/user` makes it misbehave: `/answer-500`,
`/slow` (2.2 s), `/stall`, `/other-answer`; `/timed` tells its database's time.
Add here: a way in which an API answers wrongly. Keep out: bytes (http_target.py).
"""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import uvicorn

Event = Mapping[str, Any]
Answer = tuple[int, object]
HOST = "127.0.0.1"


class UsersApi:
    """Keep users in memory; emails are unique."""

    def __init__(self) -> None:
        self._users: dict[str, dict[str, Any]] = {}

    async def __call__(
        self,
        scope: Event,
        receive: Callable[[], Awaitable[Event]],
        send: Callable[[Event], Awaitable[None]],
    ) -> None:
        """Answer one request (ASGI)."""
        message = await receive()
        body = message["body"]
        while message.get("more_body"):
            message = await receive()
            body += message["body"]
        mode, _, path = scope["path"].partition("/user")
        status, content = await self._behave(mode, self._answer(scope["method"], path[1:], body))
        data = json.dumps(content).encode()
        headers = [(b"content-length", b"%d" % len(data))]
        if mode == "/timed":
            headers.append((b"server-timing", b"total;dur=0.5, db;dur=0.05"))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": data})

    def _answer(self, method: str, user_id: str, body: bytes) -> Answer:
        if method == "POST":
            user = json.loads(body)
            if any(user["email"] == other["email"] for other in self._users.values()):
                return 409, {"error": "exists"}
            user_id = str(len(self._users) + 1)
            self._users[user_id] = user | {"id": user_id}
            return 201, self._users[user_id]
        if user_id not in self._users:
            return 404, {"error": "there is no such user"}
        return 200, self._users.pop(user_id) if method == "DELETE" else self._users[user_id]

    async def _behave(self, mode: str, answer: Answer) -> Answer:
        match mode:
            case "/answer-500":
                return 500, {"error": "broken"}
            case "/slow":
                await asyncio.sleep(2.2)
            case "/stall":
                await asyncio.sleep(3_600)
            case "/other-answer":
                return answer[0], ["not", "an", "object"]
        return answer


def main() -> None:
    """Serve on a free port until killed."""
    with socket.create_server((HOST, 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        config = uvicorn.Config(UsersApi(), http="h11", ws="none", lifespan="off", log_config=None)
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
