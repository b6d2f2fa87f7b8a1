import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.fetch.eviction import LeastFrequent, LeastRecent, Sketch


class Shelf:
    """Drives an order as the memory does, and keeps the books."""

    def __init__(self, order, budget):
        self.order = order
        self.budget = budget
        self.costs = {}

    def put(self, key, cost):
        if key in self.costs:
            self.order.remove(key)
            del self.costs[key]
        if cost > self.budget:
            return False
        leaving = self.order.make_room(key, cost, self.budget - sum(self.costs.values()))
        if leaving is None:
            return False
        for old in leaving:
            del self.costs[old]
        assert sum(self.costs.values()) + cost <= self.budget
        self.costs[key] = cost
        self.order.add(key, cost)
        return True

    def get(self, key, cost=1):
        if key in self.costs:
            self.order.touch(key)
            return True
        self.put(key, cost)
        return False


def orders(budget):
    return [LeastRecent(), LeastFrequent(budget)]


@given(
    budget=st.integers(1, 2_000),
    steps=st.lists(
        st.tuples(
            st.sampled_from(["put", "touch", "remove"]), st.integers(0, 30), st.integers(1, 300)
        ),
        max_size=200,
    ),
)
def test_what_is_kept_never_costs_more_than_the_budget(budget, steps):
    for order in orders(budget):
        shelf = Shelf(order, budget)
        for what, number, cost in steps:
            key = f"key {number}"
            if what == "put":
                shelf.put(key, cost)
            elif key in shelf.costs and what == "touch":
                order.touch(key)
            elif key in shelf.costs:
                order.remove(key)
                del shelf.costs[key]


def test_lru_drops_what_was_read_longest_ago():
    shelf = Shelf(LeastRecent(), 3)
    for key in "abc":
        shelf.put(key, 1)

    shelf.order.touch("a")
    shelf.put("d", 1)

    assert set(shelf.costs) == {"a", "c", "d"}


def test_tinylfu_keeps_what_is_read_often_from_a_scan():
    shelf = Shelf(LeastFrequent(100), 100)
    for _ in range(5):
        for n in range(50):
            shelf.get(f"often {n}")

    for n in range(1_000):
        shelf.get(f"once {n}")

    assert sum(shelf.get(f"often {n}") for n in range(50)) >= 49


@pytest.mark.parametrize(("share", "least"), [(0.5, 0.35), (0.9, 0.8)])
def test_tinylfu_hits_on_a_round_trip_where_lru_never_does(share, least):
    keys = [f"feed {n}" for n in range(200)]
    rates = []
    for order in orders(int(200 * share)):
        shelf = Shelf(order, int(200 * share))
        for _ in range(5):
            hits = sum(shelf.get(key) for key in keys)
        rates.append(hits / len(keys))

    assert rates[0] == 0
    assert rates[1] >= least


class Word(str):
    """A key that falls into the same cells of the sketch in every process."""

    __slots__ = ()

    def __hash__(self):
        return xxhash.xxh3_64_intdigest(self.encode())


def test_tinylfu_takes_in_what_becomes_wanted():
    shelf = Shelf(LeastFrequent(20), 20)
    for _ in range(10):
        for n in range(20):
            shelf.get(Word(f"old {n}"))

    for _ in range(40):
        for n in range(10):
            shelf.get(Word(f"new {n}"))

    assert sum(Word(f"new {n}") in shelf.costs for n in range(10)) >= 9


def test_a_large_newcomer_has_to_outweigh_all_it_displaces():
    shelf = Shelf(LeastFrequent(100), 100)
    for _ in range(3):
        for n in range(100):
            shelf.get(f"small {n}")

    assert not shelf.put("large", 50)
    assert len(shelf.costs) == 100


@given(st.dictionaries(st.text(max_size=8), st.integers(1, 15), min_size=1, max_size=40))
def test_the_sketch_never_says_less_than_the_truth(uses):
    sketch = Sketch(1_000)

    for key, count in uses.items():
        for _ in range(count):
            sketch.use(key)

    for key, count in uses.items():
        assert sketch.uses(key) >= count


def test_the_sketch_forgets():
    sketch = Sketch(64)
    for _ in range(15):
        sketch.use("once famous")

    for n in range(5_000):
        sketch.use(f"key {n % 64}")

    assert sketch.uses("once famous") < 15
