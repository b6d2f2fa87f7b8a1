"""The program's features, switched off one by one."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from tgewatch.clock import Clock
from tgewatch.detect.detector import Detector
from tgewatch.metrics.metering import Metering
from tgewatch.model import NO_VALIDATORS, Company, Item, Match, Source, Verdict
from tgewatch.ports import Fetcher, Request, Response
from tgewatch.settings import DetectionSettings, Settings

FEATURES = frozenset({"filter", "validators"})
"""What `Switched` can do without. Pooling is a setting: `[fetch] keep_alive = 0`."""


class Switched(Metering):
    """Measures as always, counts the time on the network, and leaves features out."""

    def __init__(self, settings: Settings, *, clock: Clock, off: frozenset[str]) -> None:
        """Raise ValueError for a feature that cannot be switched off here."""
        if off - FEATURES:
            raise ValueError(f"cannot be switched off: {', '.join(sorted(off - FEATURES))}")
        super().__init__(settings.metrics, clock=clock, keep_alive=settings.fetch.keep_alive)
        self._off = off
        self.network: Counter[str] = Counter()
        """Milliseconds from a request's first byte out to its answer's last byte in, by pool."""

    def fetcher(self, fetcher: Fetcher) -> Fetcher:
        conditional = "validators" not in self._off
        return _Watched(super().fetcher(fetcher), self.network, conditional=conditional)

    def detector(self, companies: Sequence[Company], settings: DetectionSettings) -> Detector:
        if "filter" in self._off:
            return _Unfiltered(companies, settings)
        return super().detector(companies, settings)


class _Watched:
    """A fetcher whose time is counted, perhaps without validators."""

    def __init__(self, fetcher: Fetcher, network: "Counter[str]", *, conditional: bool) -> None:
        self._fetcher = fetcher
        self._network = network
        self._conditional = conditional

    async def fetch(self, request: Request) -> Response:
        """Return what the fetcher returns, or raise what it raises."""
        if not self._conditional:
            request = replace(request, validators=NO_VALIDATORS)
        response = await self._fetcher.fetch(request)
        self._network[request.pool] += round(response.elapsed * 1_000)
        return response


class _All(tuple[Match, ...]):
    """Matches that let an item pass, even when there are none."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return True


class _Unfiltered(Detector):
    """Wants the article of every item before it judges."""

    def scan(self, item: Item, *, source: Source | None = None) -> tuple[Match, ...]:
        found: Iterable[Match] = super().scan(item, source=source)
        return _All(found)

    def wants_article(
        self, item: Item, matches: Sequence[Match], verdict: Verdict, *, history: bool = False
    ) -> bool:
        del item, matches, verdict, history
        return True
