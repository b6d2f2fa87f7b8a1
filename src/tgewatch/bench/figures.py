"""From rounds to figures: a name, a number."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tgewatch.bench.rounds import Round
from tgewatch.world.log import quantile, share

Figures = dict[str, float]
THROTTLED = ("feed 429", "page 429")
SPREAD = 0.95


def of(rounds: Iterable[Round], client: str, *kinds: str) -> list[Round]:
    """Return the rounds of a client, of some kinds or all."""
    return [r for r in rounds if r.client == client and (not kinds or r.kind in kinds)]


def median(values: Iterable[float]) -> float:
    """Return the median, 0 of nothing."""
    return statistics.median(listed) if (listed := list(values)) else 0.0


def told(done: Round) -> float:
    """Return the seconds until 95 % of what answered was in, and 95 % of the messages arrived."""
    return max(quantile(done.answered, SPREAD), quantile(done.told, SPREAD))


def last(done: Round) -> float:
    """Return the seconds until the slowest answer was in."""
    return max(done.answered, default=0.0)


def of_size(feeds: int, rounds: Sequence[Round]) -> Figures:
    """Return the growth figures of one size, as `size.FEEDS.…`."""
    found: Figures = {}
    for name, kinds in (("first", ("first",)), ("steady", ("all",))):
        ours, bare = of(rounds, "ours", *kinds), of(rounds, "bare", *kinds)
        found |= {
            f"{name}.seconds": median(r.seconds for r in ours),
            f"{name}.cpu_seconds": median(r.cpu for r in ours),
            f"{name}.told_seconds": median(map(told, ours)),
            f"{name}.cpu_ms_per_poll": median(
                1_000 * share(r.cpu, float(r.found["polled"])) for r in ours
            ),
            f"{name}.items": median(float(r.found["seen"]) for r in ours),
            f"{name}.new": median(float(r.found["new"]) for r in ours),
            f"{name}.bare.seconds": median(map(last, bare)),
            f"{name}.bare.cpu_seconds": median(r.cpu for r in bare),
            f"{name}.bare.told_seconds": median(map(told, bare)),
            f"{name}.ratio": share(median(r.seconds for r in ours), median(map(last, bare))),
            f"{name}.told_ratio": share(median(map(told, ours)), median(map(told, bare))),
            f"{name}.requests": median(float(r.requests) for r in ours),
        }
    mine = of(rounds, "ours")
    found |= {
        "rss_mb": max((float(r.found.get("rss", 0.0)) for r in mine), default=0.0),
        "peak_mb": max((float(r.found.get("peak", 0.0)) for r in mine), default=0.0),
        "cache_mb": max(float(r.found["cache_bytes"]) for r in mine) / 1e6,
        "violations": float(sum(r.log["violations"] for r in mine)),
        "throttled": float(_statuses(mine, THROTTLED)),
        "unfinished": float(sum(r.found["unfinished"] for r in mine)),
        "crashed": float(sum(sum(r.found["crashed"].values()) for r in mine)),
    }
    return {f"size.{feeds}.{name}": value for name, value in found.items()}


def of_smallest(feeds: int, rounds: Sequence[Round]) -> Figures:
    """Return what the specification has figures for, from the smallest world."""
    size = of_size(feeds, rounds)
    mine = of(rounds, "ours")
    due = of(rounds, "ours", "due")
    whole, remembering = of(rounds, "naive", "first"), of(rounds, "naive", "all")
    calls = statistics.fmean(float(r.requests) for r in due) if due else 0.0
    found: Figures = {
        "cycle.ours.seconds": size[f"size.{feeds}.steady.seconds"],
        "cycle.ours.first.seconds": size[f"size.{feeds}.first.seconds"],
        "cycle.due.seconds": median(r.seconds for r in due),
        "cycle.bare.seconds": size[f"size.{feeds}.steady.bare.seconds"],
        "cycle.ratio": size[f"size.{feeds}.steady.ratio"],
        "told.ours.seconds": size[f"size.{feeds}.steady.told_seconds"],
        "told.ours.first.seconds": size[f"size.{feeds}.first.told_seconds"],
        "told.bare.seconds": size[f"size.{feeds}.steady.bare.told_seconds"],
        "told.ratio": size[f"size.{feeds}.steady.told_ratio"],
        "calls.ours": calls,
        "limits.violations": size[f"size.{feeds}.violations"],
        "limits.throttled": size[f"size.{feeds}.throttled"],
        **_reuse("reuse", mine),
    }
    if whole:
        naive = median(float(r.requests) for r in whole)
        found |= {
            "cycle.naive.seconds": median(r.seconds for r in whole),
            "calls.naive": naive,
            "calls.reduction": 100 * (1 - share(calls, naive)),
            "limits.naive.violations": float(sum(r.log["violations"] for r in whole)),
            "reuse.naive": 100
            * share(sum(r.log["kept"] for r in whole), sum(r.log["received"] for r in whole)),
        }
    if remembering:
        known = median(float(r.requests) for r in remembering)
        found |= {
            "cycle.remembering.seconds": median(r.seconds for r in remembering),
            "calls.remembering": known,
            "calls.remembering.reduction": 100 * (1 - share(calls, known)),
        }
    for kind, name in (("first", "cycle.reader.first.seconds"), ("all", "cycle.reader.seconds")):
        if peers := of(rounds, "reader", kind):
            found[name] = median(r.seconds for r in peers)
    return found


def _reuse(name: str, rounds: Sequence[Round]) -> Figures:
    total = {k: sum(r.log[k] for r in rounds) for k in ("kept", "missed", "received")}
    close = {k: sum(r.log[k] for r in rounds) for k in ("close", "close_kept")}
    return {
        f"{name}.possible": 100 * share(total["kept"], total["kept"] + total["missed"]),
        f"{name}.within_keep_alive": 100 * share(close["close_kept"], close["close"]),
        f"{name}.overall": 100 * share(total["kept"], total["received"]),
    }


def of_switches(rounds: Sequence[Round]) -> Figures:
    """Return what each feature saves, beside the same with the feature off."""
    first = {r.client: r for r in rounds if r.kind == "first"}
    later = {r.client: r for r in rounds if r.kind == "all"}
    with_filter, without = first["filtered"].log["pages"], first["unfiltered"].log["pages"]
    pooled, unpooled = (_network(first[name]) for name in ("unfiltered", "unpooled"))
    on, off = (later[name].log["bytes_out"] for name in ("filtered", "unconditional"))
    bodies = [
        later[name].log["requests"].get("feed 200", 0) for name in ("filtered", "unconditional")
    ]
    return {
        "filter.articles": float(with_filter),
        "filter.off.articles": float(without),
        "filter.saved": 100 * (1 - share(with_filter, without)),
        "pooling.seconds": pooled,
        "pooling.off.seconds": unpooled,
        "pooling.saved": 100 * (1 - share(pooled, unpooled)),
        "pooling.most": 100 * share(first["unpooled"].log["set_up"], unpooled),
        "pooling.wall.seconds": first["unfiltered"].seconds,
        "pooling.off.wall.seconds": first["unpooled"].seconds,
        **_reuse("pooling.reuse", [first["unfiltered"]]),
        "caching.bytes": float(on),
        "caching.off.bytes": float(off),
        "caching.saved": 100 * (1 - share(on, off)),
        "caching.bodies": float(bodies[0]),
        "caching.off.bodies": float(bodies[1]),
        "caching.bodies.saved": 100 * (1 - share(bodies[0], bodies[1])),
    }


def _network(done: Round) -> float:
    """Return the seconds on the network, over all requests."""
    counts: Mapping[str, int] = done.found["counts"]
    return sum(value for name, value in counts.items() if name.startswith("network ")) / 1_000


def of_reads(rounds: Sequence[Round]) -> Figures:
    """Return how readers of the cache fare: the servers count what it cost them."""
    found: Figures = {}
    for client, name in (("cached", "cache"), ("uncached", "cache.off")):
        warm = of(rounds, client, "warm")
        reads = sum(r.found["reads"] for r in warm)
        bodies = sum(r.log["requests"].get("feed 200", 0) for r in warm)
        allowed = sum(r.found["allowed"] for r in warm)
        asked = sum(r.log["received"] for r in warm)
        found |= {
            f"{name}.hit_rate": 100 * (1 - share(bodies, reads)),
            f"{name}.requests_per_read": share(asked, reads),
            f"{name}.herd_requests": float(of(rounds, client, "herd")[0].requests),
        }
        if client == "cached":
            hits = sum(r.found["allowed_hits"] for r in warm)
            found[f"{name}.hit_rate.allowed"] = 100 * share(hits, allowed)
            found[f"{name}.requests_saved"] = 100 * (1 - share(asked, reads))
    return found


def of_lookups(on: Mapping[str, Any], off: Mapping[str, Any]) -> Figures:
    """Return what batching, leaving out repetitions and remembering save of user look-ups."""
    return {
        "batching.calls": float(on["calls"]),
        "batching.off.calls": float(off["calls"]),
        "batching.saved": 100 * (1 - share(on["calls"], off["calls"])),
        "batching.names_saved": 100 * (1 - share(on["names"], off["names"])),
    }


def of_steps(steps: Mapping[str, float]) -> Figures:
    """Return the cost of single steps in microseconds."""
    found = {
        f"step.{name}.microseconds": value
        for name, value in steps.items()
        if "." in name and isinstance(value, int | float)
    }
    return {**found, "cache.get_microseconds": steps["cache.get"]}


def of_delays(delays: Mapping[str, Any]) -> Figures:
    """Return the delay from publication to detection under both policies, at equal requests."""
    return {
        "delay.ratio": delays["ratio"],
        "delay.ratio.low": delays["low"],
        "delay.ratio.high": delays["high"],
        "delay.seconds": delays["index"]["mean"],
        "delay.off.seconds": delays["fixed"]["mean"],
        "delay.p95_seconds": delays["index"]["p95"],
        "delay.off.p95_seconds": delays["fixed"]["p95"],
    }


def of_scale(sizes: Sequence[int], found: Figures) -> Figures:
    """Return the figures of the largest world under short names."""
    feeds = max(sizes)
    size = f"size.{feeds}"
    return {
        "scale.feeds": float(feeds),
        "scale.seconds": found[f"{size}.steady.seconds"],
        "scale.cpu_seconds": found[f"{size}.steady.cpu_seconds"],
        "scale.first.seconds": found[f"{size}.first.seconds"],
        "scale.first.cpu_seconds": found[f"{size}.first.cpu_seconds"],
        "memory.cache": max(found[f"size.{n}.cache_mb"] for n in sizes),
        "memory.process": found[f"{size}.rss_mb"],
        "memory.peak": found[f"{size}.peak_mb"],
    }


def _statuses(rounds: Iterable[Round], names: Iterable[str]) -> int:
    return sum(r.log["requests"].get(name, 0) for r in rounds for name in names)
