"""An installed peer: lemon24/reader with ten workers. `PYTHON -m tgewatch.bench.peer`.

It fetches conditionally, parses with feedparser and stores in SQLite; it judges nothing and
fetches no articles. Runs alone, without the rest of this package: PYTHON may be of another
environment, where `reader` is installed.
"""

import contextlib
import json
import socket
import sys
import time
from pathlib import Path
from typing import Any

WORKERS = 10


def at_home(address: str) -> None:
    """Let every name live at one address."""
    ask = socket.getaddrinfo

    def lookup(_host: str, *rest: Any, **named: Any) -> Any:
        return ask(address, *rest, **named)

    socket.getaddrinfo = lookup  # type: ignore[assignment]


def say(found: dict[str, Any]) -> None:
    """Answer with one line."""
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Answer the first line when ready, and each further one with a round."""
    given = json.loads(sys.stdin.readline())
    try:
        import reader  # type: ignore[import-not-found]  # noqa: PLC0415 - may be absent
    except ImportError:
        say({"absent": "reader is not installed"})
        return
    if given.get("address"):
        at_home(given["address"])
    folder = Path(given["folder"])
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(reader.make_reader(str(folder / "reader.db"))) as made:
        for source in given["sources"]:
            made.add_feed(source["url"], exist_ok=True)
        say({"ready": True, "version": reader.__version__})
        for _ in sys.stdin:
            begun, spent = time.monotonic(), time.process_time()
            times = [
                time.monotonic()
                for result in made.update_feeds_iter(workers=WORKERS)
                if not isinstance(result.value, Exception)
            ]
            found = {
                "begun": begun,
                "seconds": time.monotonic() - begun,
                "cpu": time.process_time() - spent,
                "answered_at": times,
            }
            say(found)


if __name__ == "__main__":
    main()
