"""How long a simulated day of X takes: packed searches, and the stream.

python benchmarks/fake_x.py [ACCOUNTS]
"""

import json
import sys
import time

from tgewatch.world.x import FakeX
from tgewatch.world.x.population import Population, make_population
from tgewatch.world.x.snowflake import first_id

START = 1_790_035_200.0
DAY = 86_400.0
CYCLE = 130.0
CLAUSE = ' (TGE OR airdrop OR tokenomics OR "token generation event" OR "token launch" OR claim)'
TOKEN = {"Authorization": "Bearer token"}


class Hands:
    """Time as the loop below turns it."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> float:
        return self.at


def queries(population: Population, size: int) -> list[str]:
    names = [f"from:{one.username}" for one in population.accounts]
    groups = [names[at : at + size] for at in range(0, len(names), size)]
    return [f"({' OR '.join(group)}){CLAUSE}" for group in groups]


def search(population: Population) -> str:
    hands = Hands()
    x = FakeX(population.archive, now=hands.now)
    asked = queries(population, 16)
    begun = time.perf_counter()
    while hands.at < START + DAY:
        since = str(first_id(hands.at - CYCLE - 90))
        for query in asked:
            about = {"query": query, "max_results": "100", "since_id": since}
            x.handle("GET", "/2/tweets/search/recent", about, TOKEN)
        hands.at += CYCLE
    seconds = time.perf_counter() - begun
    return f"search  {x.log.calls.total():>6} calls  {seconds:5.1f} s  {x.meter}"


def stream(population: Population) -> str:
    hands = Hands()
    x = FakeX(population.archive, now=hands.now)
    rules = [{"value": query} for query in queries(population, 40)]
    body = json.dumps({"add": rules}).encode()
    x.handle("POST", "/2/tweets/search/stream/rules", {}, TOKEN, body)
    connection = x.answer("GET", "/2/tweets/search/stream", {}, TOKEN).connection
    if connection is None:
        raise SystemExit("the stream did not open")
    begun = time.perf_counter()
    while hands.at < START + DAY:
        hands.at += 1.0
        connection.pull()
    seconds = time.perf_counter() - begun
    return f"stream   86400 looks  {seconds:5.1f} s  {x.meter}"


def main() -> None:
    accounts = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    population = make_population(seed=1, accounts=accounts, start=START)
    print(population.archive)
    print(search(population))
    print(stream(population))


if __name__ == "__main__":
    main()
