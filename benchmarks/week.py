"""A week of the simulated world at scale: one event a project, each change told once, dates right.

    python benchmarks/week.py                              # 60 and 200 projects
    python benchmarks/week.py --projects 20 --seeds 1 2 3
    python benchmarks/week.py --projects 60 --details 20   # what went wrong, in words
    python benchmarks/week.py --projects 60 --articles     # what reading articles is worth

Every project has a life from `tgewatch.world.lives`: announced, dated, slipped once or again and
again, postponed without a date, cancelled, live, claimed, sold, listed on several exchanges, or
never more than a rumour. Eight to sixteen outlets write about each change, some of it one wire
story; one project in ten shares a ticker with another, one in ten its first word.
"""

import argparse
import asyncio
import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tgewatch.bench.week import Player, Switches, Week
from tgewatch.clock import SystemClock
from tgewatch.detect.merge import merge
from tgewatch.settings import StoreSettings
from tgewatch.store import open_store
from tgewatch.world import Plan, make_plan
from tgewatch.world.lives import EVENTFUL

START = 1_790_035_200.0


def planned(projects: int, seed: int) -> Plan:
    return make_plan(
        seed=seed, start=START, outlets=max(24, projects + projects // 2), projects=projects,
        faults=False, latency=0.0, lives=EVENTFUL, writers=(8, 16), twins=True,
    )  # fmt: skip


async def played(plan: Plan, switches: Switches) -> Week:
    with TemporaryDirectory() as folder:
        async with open_store(
            StoreSettings(), root=Path(folder), clock=SystemClock(), merge=merge,
            route=lambda *_: (),
        ) as store:  # fmt: skip
            return await Player(plan, store, switches=switches).play()


def figures(week: Week, seconds: float) -> dict[str, object]:
    beats = week.told["once"] + week.told["missed"] + week.told["again"]
    return {
        "projects": week.projects,
        "entries": week.entries,
        "about projects": week.about,
        "syndicated": week.copies,
        "articles read": week.articles,
        "projects with one event": week.events["one"],
        "with none": week.events["none"],
        "with several": week.events["several"],
        "events of no project": week.events["strangers"],
        "false merges": len(week.false_merges),
        "changes told once": f"{week.told['once']} of {beats}",
        "told again": week.told["again"],
        "missed": week.told["missed"],
        "told of nothing": week.told["unplanned"],
        "dates right after each change": f"{week.dates['right']} of {week.dates.total()}",
        "states right in the end": f"{week.states['right']} of {week.states.total()}",
        "recall of entries": f"{week.found / max(1, week.about):.3f}",
        "precision of entries": f"{week.found / max(1, week.claims):.3f}",
        "seconds": round(seconds, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--projects", type=int, nargs="+", default=[60, 200])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--details", type=int, default=0, help="lines about what went wrong")
    parser.add_argument("--articles", action="store_true", help="with and without articles")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    ways = {"": Switches()}
    if chosen.articles:
        ways = {
            "wanted articles": Switches(),
            "no articles": Switches(articles=False),
            "every article": Switches(early_filter=False),
            "wanted articles, titles alone": Switches(summaries=False),
            "no articles, titles alone": Switches(articles=False, summaries=False),
        }
    rows = []
    for projects in chosen.projects:
        for seed in chosen.seeds:
            for name, switches in ways.items():
                begun = time.perf_counter()
                week = asyncio.run(played(planned(projects, seed), switches))
                row = {"seed": seed, **figures(week, time.perf_counter() - begun)}
                rows.append({"way": name, **row} if name else row)
                if chosen.json:
                    continue
                print(", ".join(f"{key} {value}" for key, value in rows[-1].items()), flush=True)
                for line in [*week.false_merges, *week.late, *week.wrong][: chosen.details]:
                    print(f"  {line}")
    if chosen.json:
        print(json.dumps(rows))


if __name__ == "__main__":
    main()
