"""A server of HTTP that answers after a given time: `python slow_by.py PORT MS [STATUS]`.

It needs the standard library only, so that a copy of it can be put anywhere.
Add here: another truth of a side that is compared. Keep out: odd answers (odd_server.py).
"""

import asyncio
import sys


def main(port: int, held_s: float, status: int) -> None:
    """Serve on a port of 127.0.0.1 until the process ends."""
    answer = f"HTTP/1.1 {status} It\r\nContent-Length: 2\r\n\r\nok".encode()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                await asyncio.sleep(held_s)
                writer.write(answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def run() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", port)
        async with server:
            await server.serve_forever()

    asyncio.run(run())


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]) / 1_000, int([*sys.argv, "200"][3]))
