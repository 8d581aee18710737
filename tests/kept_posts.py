"""POSTs on keep-alive connections, sent just as the server may close its side: ``python -m tests.kept_posts URL [SECONDS]``.

Prints the number of answers by status. A 502 is a POST that Nginx sent on a connection that the service was closing.
"""

import asyncio
import random
import sys
from collections import Counter
from urllib.parse import urlsplit

CLIENTS, ROUNDS = 12, 45
# Around Gunicorn's own keep-alive time-out.
PAUSE_SECONDS, JITTER_SECONDS = 2.001, 0.005
ANSWER_SECONDS = 60
BODY = (
    b'{"id": "8b3e4c1e-58a7-4d3c-9d0e-0d9f1b2c3d4e", "title": "kept", "created": "2026-01-01T00:00:00Z", '
    b'"items": [{"name": "ticket", "quantity": 2, "price": 9.5}]}'
)


async def post_again_and_again(url: str, pause: float, rounds: int, seen: Counter[str]) -> None:
    """Play one client: send each POST ``pause`` seconds after the previous answer, plus or minus a few milliseconds."""
    address = urlsplit(url)
    lines = [f"POST {address.path} HTTP/1.1", f"Host: {address.netloc}", "Content-Type: application/json", f"Content-Length: {len(BODY)}"]
    head = "\r\n".join([*lines, "", ""])
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    for number in range(rounds):
        if number:
            await asyncio.sleep(pause + random.uniform(-JITTER_SECONDS, JITTER_SECONDS))
        writer.write(head.encode() + BODY)
        async with asyncio.timeout(ANSWER_SECONDS):
            answer = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            length = next(line.split(":")[1] for line in answer.splitlines() if line.lower().startswith("content-length:"))
            await reader.readexactly(int(length))
        seen[answer.split()[1]] += 1
        if "\r\nconnection: close" in answer.lower():
            writer.close()
            reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.close()


async def run(url: str, pause: float = PAUSE_SECONDS, rounds: int = ROUNDS) -> Counter[str]:
    """Run all clients concurrently. Return the number of answers by status."""
    seen: Counter[str] = Counter()
    await asyncio.gather(*(post_again_and_again(url, pause, rounds, seen) for _ in range(CLIENTS)))
    return seen


if __name__ == "__main__":
    print(dict(asyncio.run(run(sys.argv[1], *map(float, sys.argv[2:])))))
