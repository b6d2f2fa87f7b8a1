import threading

from tgewatch.testing.hammer import Hammer


class Plain:
    """A cache that is only a dict; `late` makes it store what has been overtaken."""

    def __init__(self, *, late=False):
        self.entries = {}
        self.lock = threading.Lock()
        self.late = late

    def get(self, key, *, tier, default=None):
        return self.entries.get((tier, key), default)

    def set(self, key, value, *, tier, ttl=None):  # noqa: ARG002 - the port's shape
        self.entries[tier, key] = value
        return True

    def invalidate(self, key, *, tier):
        return self.entries.pop((tier, key), None) is not None

    async def get_or_fetch(self, _key, fetch, *, tier):  # noqa: ARG002 - the port's shape
        return await fetch()

    def get_or_fetch_blocking(self, key, fetch, *, tier):
        value = fetch()
        if self.late:
            threading.Event().wait(0.001)
            self.entries[tier, key] = value
        return value


def hammered(cache, *, budget=1, used=0):
    hammer = Hammer(cache, tier="rss", used=lambda: used, budget=budget, keys=5)
    return hammer.run(threads=6, tasks=10, seconds=0.3)


def test_passes_what_keeps_its_word():
    verdict = hammered(Plain())

    assert verdict.passed, verdict
    assert verdict.operations > 100


def test_sees_lost_updates():
    assert hammered(Plain(late=True)).lost_updates


def test_sees_bytes_above_the_budget():
    assert hammered(Plain(), used=2).over_budget


def test_sees_errors():
    class Failing(Plain):
        def get(self, key, *, tier, default=None):  # noqa: ARG002 - the port's shape
            raise RuntimeError("no")

    assert hammered(Failing()).errors
