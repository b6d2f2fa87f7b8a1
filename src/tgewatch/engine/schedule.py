"""Decides when each source is polled next, and says why.

The delay index proposes a time; the guards around it (floor, cap, freshness, Retry-After, error
backoff, the operator's own interval) have the last word. Nothing here polls, sleeps or stores.
"""

import heapq
import math
from collections.abc import Callable, Mapping, Sequence

from tgewatch.engine.due import DueQueue, Entry, NextPoll, Outlook
from tgewatch.engine.trial import Trial
from tgewatch.model import Source, SourceState
from tgewatch.rules.allowance import Allowance
from tgewatch.rules.backoff import backoff
from tgewatch.rules.calibration import CalibrationLog
from tgewatch.rules.delay_index import LOOK_BACK, DelayIndex
from tgewatch.rules.durations import spell
from tgewatch.rules.rhythm import Rhythm, dump, load
from tgewatch.rules.silence import silent_after
from tgewatch.settings import PollingSettings

RELEVANT_SHARE = 0.05
"""Of all items; what a source is presumed to have until it shows otherwise."""
RELEVANT_PRIOR = 50.0
"""Items that the presumption is worth."""
RELEVANT_LOW, RELEVANT_HIGH = 0.2, 5.0
"""Bounds of what the share of relevant items does to a weight."""


class Schedule:
    """All sources and when they are due. One owner, one thread."""

    def __init__(
        self, settings: PollingSettings, *, now: float, chance: Callable[[], float], power: int = 1
    ) -> None:
        """`chance` returns numbers in [0, 1), as `random.Random().random` does."""
        self._settings = settings
        self._begun = now
        self._chance = chance
        self._index = DelayIndex(power=power)
        self._allowance = Allowance(0.0, now)
        self._restored = -math.inf
        self.trial: Trial | None = None
        """A live trial that decides policies and is told of every poll."""
        self._epoch = -1
        self.calibration = CalibrationLog()
        """How good the predictions were that polls were based on."""
        self._entries: dict[str, Entry] = {}
        self._free = DueQueue(self._entries, metered=False)
        self._metered = DueQueue(self._entries, metered=True)

    def __repr__(self) -> str:
        return f"<Schedule of {len(self._entries)} sources, {self._allowance!r}>"

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, url: object) -> bool:
        return url in self._entries

    def add(self, source: Source, state: SourceState | None = None, *, policy: str = "") -> None:
        """Take a source in, or in again with other settings. New ones are due at once.

        `policy` is `index` or `fixed` and defaults to the settings'; a source with an interval of
        its own is always fixed.
        """
        self.remove(source.url)
        policy = "fixed" if source.interval else policy or self._settings.policy
        rhythm, saved = load(state.rhythm if state else "", self._index.tuning)
        rhythm.weight = self._weight(source, rhythm)
        entry = Entry(source, rhythm, policy)
        self._entries[source.url] = entry
        if policy == "index":
            self._index.add(rhythm)
            self._allowance.resize(self._index.sources / self._settings.interval)
            if saved and saved[0] > self._restored:
                self._restored = saved[0]
                self._allowance.restore(saved)
        if state is not None:
            entry.errors = state.errors
            entry.because = state.because
            # A clock that was wrong once must not silence a source for years.
            entry.at = min(state.next_poll, self._begun + self._longest_wait())
        entry.metered = policy == "index" and entry.errors == 0 and rhythm.at is not None
        self._enqueue(entry)

    def assign(self, url: str, policy: str) -> None:
        """Change the policy of a source from its next poll on, unless its interval is its own."""
        entry = self._entries[url]
        if entry.source.interval or entry.policy == policy:
            return
        entry.policy = policy
        if policy == "index":
            self._index.add(entry.rhythm)
        else:
            self._index.remove(entry.rhythm)
        self._allowance.resize(self._index.sources / self._settings.interval)
        if entry.queued and entry.metered:
            entry.metered = False
            self._enqueue(entry)

    def _follow_trial(self, now: float) -> None:
        """Give every source the policy that the trial wants for it now."""
        trial = self.trial
        if trial is None:
            return
        epoch = -2 if trial.finding(now).over else trial.epoch(now)
        if epoch == self._epoch:
            return
        self._epoch = epoch
        for url in self._entries:
            self.assign(url, trial.policy(url, now) or self._settings.policy)

    def remove(self, url: str) -> None:
        """Forget a source; one that is not there is no error."""
        entry = self._entries.pop(url, None)
        if entry is not None and entry.policy == "index":
            self._index.remove(entry.rhythm)
            self._allowance.resize(self._index.sources / self._settings.interval)

    def due(self, now: float, limit: int) -> list[str]:
        """Take out up to `limit` sources that are due, most overdue first.

        Each comes back by `report`, or by `put_back` when it was not polled after all.
        """
        taken: list[str] = []
        self._follow_trial(now)
        self._allowance.refill(now)
        while len(taken) < limit:
            queue, head = self._earliest()
            if queue is None or head is None or head[0] > now:
                break
            if queue is self._metered and not self._allowance.affordable:
                head = self._free.head()
                if head is None or head[0] > now:
                    break
                queue = self._free
            queue.pop()
            self._take(self._entries[head[1]], now)
            taken.append(head[1])
        return taken

    def _take(self, entry: Entry, now: float) -> None:
        entry.queued = False
        if entry.policy == "index":
            self._allowance.spend(now)

    def _earliest(self) -> tuple[DueQueue | None, tuple[float, str] | None]:
        free, metered = self._free.head(), self._metered.head()
        if free is None and metered is None:
            return None, None
        if metered is None or (free is not None and free <= metered):
            return self._free, free
        return self._metered, metered

    def next_due(self) -> float | None:
        """Return when `due` will next have something; None when nothing waits."""
        free, metered = self._free.head(), self._metered.head()
        times = []
        if free is not None:
            times.append(free[0])
        if metered is not None:
            times.append(max(metered[0], self._allowance.ready_at()))
        return min(times, default=None)

    def put_back(self, url: str) -> None:
        """Return a source that `due` gave out but that was not polled; it stays as due as it was."""
        entry = self._entries.get(url)
        if entry is not None and not entry.queued:
            self._enqueue(entry)
            if entry.policy == "index":
                self._allowance.refund()

    def defer(self, url: str, until: float) -> None:
        """Put a source back that may not be asked before `until`; nothing was learned of it."""
        entry = self._entries.get(url)
        if entry is None:
            return
        entry.at = entry.not_before = max(entry.at, until)
        entry.because = "its host wants to be left alone"
        if not entry.queued and entry.policy == "index":
            self._allowance.refund()
        self._enqueue(entry)

    def _enqueue(self, entry: Entry) -> None:
        entry.queued = True
        queue = self._metered if entry.metered else self._free
        queue.push(entry.at, entry.source.url)

    def report(
        self,
        url: str,
        *,
        at: float,
        outcome: str,
        published: Sequence[float] = (),
        relevant: int = 0,
        fresh_for: float | None = None,
        retry_after: float | None = None,
        hints: Mapping[str, float] | None = None,
        elapsed: float = 0.0,
        shown: int = 0,
    ) -> NextPoll:
        """Take in what a poll brought and decide when the next one is.

        `outcome` is changed, unchanged or failed. `published` are the times of the items not seen
        before (`at` for one without a date); on the first good poll those of the whole history,
        without the undated. `relevant` of them passed detection; the source `shown` that many in
        all. `hints["max-age"]`, in seconds,
        lets polls follow the refreshes of a cache; other hints are ignored, since most are
        defaults of a publishing software. Unknown URLs raise KeyError.
        """
        entry = self._entries[url]
        published = [time for time in published if math.isfinite(time)]
        if entry.queued and entry.policy == "index":
            self._allowance.spend(at)
        if self.trial is not None:
            self._tell(self.trial, entry, at, published, failed=outcome == "failed", shown=shown)
        if outcome == "failed":
            self._fail(entry, at)
        else:
            self._learn(entry, at, published, relevant, elapsed)
            self._propose(entry, at)
            self._guard(entry, at, fresh_for, (hints or {}).get("max-age"))
        if retry_after is not None and retry_after > 0:
            wait = min(retry_after, self._settings.retry_after_cap)
            entry.hold(at + wait, f"the server asked for a pause of {spell(wait)}")
        entry.at += self._chance() * min(self._settings.jitter, 0.05 * (entry.at - at))
        self._enqueue(entry)
        return self._next(entry)

    @staticmethod
    def _tell(
        trial: Trial,
        entry: Entry,
        at: float,
        published: Sequence[float],
        *,
        failed: bool,
        shown: int,
    ) -> None:
        last = entry.rhythm.at
        if last is not None:  # the history that a first poll reads is nobody's delay
            trial.record(
                entry.source.url,
                at=at,
                # What is undated, or came to light late, says nothing about delay.
                delays=[at - time for time in published if last < time < at],
                failed=failed,
                overrun=0 < shown <= len(published),
            )

    def _learn(
        self, entry: Entry, at: float, published: Sequence[float], relevant: int, elapsed: float
    ) -> None:
        entry.errors = 0
        rhythm = entry.rhythm
        rhythm.time(elapsed)
        rhythm.judge(relevant, len(published))
        weight = self._weight(entry.source, rhythm)
        if entry.policy == "index":
            self._record(rhythm, at, hit=bool(published))
            self._index.observe(rhythm, at, published)
            self._index.reweigh(rhythm, weight)
        else:
            rhythm.learn(at, published, self._index.tuning)
            rhythm.weight = weight

    def _record(self, rhythm: Rhythm, at: float, *, hit: bool) -> None:
        """Compare what was expected of a poll with what it brought."""
        if rhythm.at is not None and at > rhythm.at:
            until = min(at, rhythm.at + LOOK_BACK)
            _, expected = self._index.due(rhythm, rhythm.at, math.inf, until)
            self.calibration.add(-math.expm1(-expected), hit=hit)

    def _fail(self, entry: Entry, at: float) -> None:
        """Back off, outside the index: a failed poll says nothing about publications."""
        entry.errors += 1
        settings = self._settings
        wait = backoff(
            entry.errors, base=settings.error_base, cap=settings.error_cap, jitter=self._chance()
        )
        entry.at = entry.not_before = at + wait
        entry.expected = 0.0
        entry.metered = False
        entry.because = "it failed once" if entry.errors == 1 else f"it failed {entry.errors} times"

    def _propose(self, entry: Entry, at: float) -> None:
        """Set the time that the source's policy asks for."""
        settings = self._settings
        entry.metered = entry.policy == "index"
        entry.not_before = at
        if entry.policy != "index":
            wait = entry.source.interval or settings.interval
            entry.at = at + wait
            entry.expected = 0.0
            entry.because = f"its interval is fixed at {spell(wait)}"
            return
        longest = max(settings.floor, min(settings.cap, settings.stretch * settings.interval))
        mu = self._index.threshold(self._allowance.rate, self._allowance.trim)
        entry.at, entry.expected = self._index.due(entry.rhythm, at, mu, at + longest)
        if entry.at >= at + longest:
            entry.because = f"no source waits longer than {spell(longest)}"
        else:
            entry.because = f"about {entry.expected:.2g} items are expected by then"

    def _guard(
        self, entry: Entry, at: float, fresh_for: float | None, max_age: float | None
    ) -> None:
        """Never sooner than the floor, nor than an answer could differ."""
        settings = self._settings
        if entry.source.interval is None:
            floor = settings.floor
            entry.hold(at + floor, f"no source is polled more often than every {spell(floor)}")
        if fresh_for is None or not fresh_for > 0:
            return
        fresh = at + min(fresh_for, settings.fresh_cap)
        if max_age is not None and 0 < max_age <= settings.fresh_cap:
            said = f"the server said max-age {max_age:.0f}"
            if entry.at > fresh and entry.policy == "index":
                # Just after a refresh of the cache, rather than anywhere between two.
                rounds = round((entry.at - fresh) / max_age)
                entry.at = max(entry.not_before, fresh + rounds * max_age)
        else:
            said = f"the server calls its answer fresh for {spell(fresh - at)}"
        entry.hold(fresh, said)

    def _weight(self, source: Source, rhythm: Rhythm) -> float:
        """Return what a second of delay costs: the priority times the share of relevant items."""
        share = (rhythm.relevant + RELEVANT_PRIOR * RELEVANT_SHARE) / (
            rhythm.judged + RELEVANT_PRIOR
        )
        share = min(RELEVANT_HIGH, max(RELEVANT_LOW, share / RELEVANT_SHARE))
        return source.priority.weight * share

    def _next(self, entry: Entry) -> NextPoll:
        rhythm = entry.rhythm
        return NextPoll(
            at=entry.at,
            because=entry.because,
            rhythm=dump(rhythm, self._allowance.dump() if entry.policy == "index" else ()),
            expected=entry.expected,
            silent_after=silent_after(
                newest=rhythm.newest,
                period=rhythm.period,
                longest=rhythm.longest,
                items=rhythm.profile.total,
                factor=self._settings.silent_factor,
                weekend=self._index.weekend_factor(rhythm),
            ),
            elapsed=rhythm.elapsed,
        )

    def _longest_wait(self) -> float:
        settings = self._settings
        return max(settings.cap, settings.error_cap, settings.retry_after_cap)

    def expected(self, url: str, now: float) -> float:
        """Return the items that are expected to be out by `now` and not yet seen."""
        return self._index.risk(self._entries[url].rhythm, now)[0]

    def rates(self) -> dict[str, float]:
        """Return the learned items per second of all sources without an interval of their own."""
        return {
            url: entry.rhythm.rate
            for url, entry in self._entries.items()
            if not entry.source.interval
        }

    def most_at_risk(self, now: float, count: int, *, take: bool = False) -> list[str]:
        """Return up to `count` sources worth a poll before their time, most at risk first.

        Only those for which a poll now is allowed; never-polled ones come first. Report the polls
        that are made of them as usual. With `take` they are taken out, and paid for, as by `due`.
        """
        ranked = (
            (self._index.risk(entry.rhythm, now)[1] if entry.rhythm.at else math.inf, url)
            for url, entry in self._entries.items()
            if entry.queued and entry.not_before <= now
        )
        chosen = [url for risk, url in heapq.nlargest(count, ranked) if risk > 0]
        for url in chosen if take else ():
            self._take(self._entries[url], now)
        return chosen

    def explain(self, url: str, now: float) -> Outlook:
        """Say when a source is polled next and what moved it. Unknown URLs raise KeyError."""
        entry = self._entries[url]
        explanation = None
        if entry.policy == "index":
            settings = self._settings
            explanation = self._index.explain(
                entry.rhythm,
                now,
                mu=self._index.threshold(self._allowance.rate, self._allowance.trim),
                longest=min(settings.cap, settings.stretch * settings.interval),
            )
        return Outlook(url, entry.policy, entry.at, entry.because, explanation)
