"""The growth model: what so many feeds need, computed from measured constants.

    python scripts/growth.py                         # the table of docs/operations.md
    python scripts/growth.py --feeds 50000 --set interval=300
    python scripts/growth.py --constants mine.json   # others, by name, over scripts/growth.json
    python scripts/growth.py --list                  # each constant, its unit, and what printed it
    python scripts/growth.py --write                 # put the table into docs/operations.md
    python scripts/growth.py --take A.json B.json    # constants from runs of benchmarks/workers.py --json

A model on paper: it multiplies what was measured on one small machine. It knows nothing of what else
happens at a size that nobody has run; where a part is past what one process can do, it says so.
"""

import argparse
import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
FILE = HERE / "growth.json"
DOCUMENT = HERE.parent / "docs" / "operations.md"
BEGIN, END = "<!-- growth -->", "<!-- /growth -->"
SIZES = (1_000, 10_000, 100_000, 1_000_000)
DAY = 86_400.0


@dataclass(frozen=True)
class Need:
    """What one size needs."""

    feeds: int
    polls_a_second: float
    worker_cores: float
    workers: int
    scheduler_cores: float
    database_cores: float
    redis_cores: float
    cores: float
    """All of it, at the share that a core is to be busy."""
    memory_gb: float
    in_flight: float
    """Polls under way at one moment."""
    connections: float
    """Open to the web, idle ones included."""
    database_connections: int
    redis_operations: float
    """A second."""
    redis_mb: float
    rows_a_day: float
    """New ones in PostgreSQL."""
    rows: float
    """After a retention."""
    database_gb: float
    """After a retention."""
    log_mb_a_second: float
    """Of the write-ahead log."""
    writer_busy: float
    """Share of the time in which the one writing transaction of the store is open; over 1 does not
    fit into one store."""
    network_mbit: float
    settings_mb: float
    """Of the file that lists the feeds; the program reads 10 at most."""
    dollars_a_month: float


def need(feeds: int, c: Mapping[str, float]) -> Need:
    """Return what `feeds` need, with the constants of `growth.json`."""
    polls = feeds / c["interval"]
    new_a_day = feeds * c["items_a_day"]
    new = new_a_day / DAY
    with_news = min(polls, new)  # at worst each new item comes with a poll of its own
    quiet = polls - with_news
    bodies = max(with_news, polls * c["changed"])
    share = c["busy"] - c["worker_idle_cores"]
    workers = max(1, math.ceil(polls * c["poll_cpu_ms"] / 1e3 / share))
    instances = workers + 2
    worker = polls * c["poll_cpu_ms"] / 1e3 + workers * c["worker_idle_cores"]
    scheduler = polls * c["schedule_cpu_ms"] / 1e3 + c["scheduler_idle_cores"]
    database = (
        polls * c["pg_poll_cpu_ms"] + with_news * c["pg_item_cpu_ms"]
    ) / 1e3 + instances * c["pg_instance_cores"]
    operations = polls * c["redis_operations"] + instances * c["redis_instance_operations"]
    redis = operations * c["redis_cpu_us"] / 1e6
    in_flight = polls * c["poll_seconds"]
    kept_days = c["retention_days"]
    items = new_a_day * kept_days
    rows = feeds * (1 + 2 * c["items_shown"]) + 2 * items
    first = feeds * c["items_shown"] * c["pg_item_bytes"]
    disk = feeds * c["pg_source_bytes"] + first + items * c["pg_item_bytes"]
    redis_mb = (
        c["redis_mb"]
        + feeds * c["redis_bytes"] / 1e6
        + bodies * c["answer_seconds"] * c["answer_bytes"] / 1e6
    )
    memory = (
        workers * c["worker_mb"]
        + in_flight * c["poll_kb"] / 1e3
        + feeds * c["schedule_kb"] / 1e3
        + c["scheduler_mb"]
        + c["deliverer_mb"]
        + redis_mb
        + c["pg_mb"]
        + c["pg_cache_share"] * disk / 1e6
    ) / 1e3
    cores = (worker + scheduler + c["deliverer_cores"] + database + redis) / c["busy"]
    return Need(
        feeds=feeds,
        polls_a_second=polls,
        worker_cores=worker,
        workers=workers,
        scheduler_cores=scheduler,
        database_cores=database,
        redis_cores=redis,
        cores=cores,
        memory_gb=memory,
        in_flight=in_flight,
        connections=in_flight + min(polls * c["keep_alive"], workers * c["idle_connections"]),
        database_connections=int(instances * c["pg_connections"]),
        redis_operations=operations,
        redis_mb=redis_mb,
        rows_a_day=2 * new_a_day,
        rows=rows,
        database_gb=disk / 1e9,
        log_mb_a_second=(quiet * c["pg_quiet_log"] + with_news * c["pg_news_log"]) / 1e6,
        writer_busy=(quiet * c["pg_quiet_ms"] + with_news * c["pg_news_ms"]) / 1e3,
        network_mbit=8 * ((polls - bodies) * c["quiet_bytes"] + bodies * c["news_bytes"]) / 1e6,
        settings_mb=feeds * c["settings_bytes"] / 1e6,
        dollars_a_month=cores * c["core_dollars"]
        + memory * c["gb_dollars"]
        + disk / 1e9 * c["disk_dollars"],
    )


ROWS: tuple[tuple[str, str], ...] = (
    ("polls a second", "polls_a_second"),
    ("worker processes (one core each)", "workers"),
    ("cores busy: workers", "worker_cores"),
    ("cores busy: scheduler", "scheduler_cores"),
    ("cores busy: PostgreSQL", "database_cores"),
    ("cores busy: Valkey", "redis_cores"),
    ("cores to have", "cores"),
    ("memory to have, GB", "memory_gb"),
    ("polls under way", "in_flight"),
    ("connections to the web", "connections"),
    ("connections to PostgreSQL", "database_connections"),
    ("Redis operations a second", "redis_operations"),
    ("Valkey's memory, MB", "redis_mb"),
    ("new rows a day", "rows_a_day"),
    ("rows after the retention", "rows"),
    ("PostgreSQL after the retention, GB", "database_gb"),
    ("write-ahead log, MB a second", "log_mb_a_second"),
    ("the store's writer is busy", "writer_busy"),
    ("network, Mbit a second", "network_mbit"),
    ("settings file, MB", "settings_mb"),
    ("dollars a month", "dollars_a_month"),
)


def table(needs: Sequence[Need]) -> str:
    """Return the needs as Markdown, a column a size."""
    lines = [
        "| feeds | " + " | ".join(f"{one.feeds:,}" for one in needs) + " |",
        "|---|" + "---:|" * len(needs),
    ]
    for title, field in ROWS:
        cells = [shown(getattr(one, field), share=field == "writer_busy") for one in needs]
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def shown(value: float, *, share: bool = False) -> str:
    """Return a number with two significant digits, and no more than it deserves."""
    if share:
        return f"{value:.1%}" if value < 0.1 else f"{value:.0%}"
    if value and abs(value) < 10:
        return f"{value:.2g}"
    digits = max(0, len(str(int(abs(value)))) - 3)
    return f"{round(value / 10**digits) * 10**digits:,}"


LIMITS: Mapping[tuple[str, float], str] = {
    ("settings_mb", 10.0): "one settings file does not hold the list: use several swarms",
    (
        "writer_busy",
        1.0,
    ): "the one writing transaction of the store is always open: use several stores",
    ("scheduler_cores", 1.0): "one scheduler needs more than a core: use several swarms",
    ("redis_cores", 1.0): "one Valkey, which works on one core, does not do: use several swarms",
}


def limits(needs: Sequence[Need]) -> list[str]:
    """Return what one process or server of its kind can no longer do, and from which size on."""
    found = []
    for (field, most), words in LIMITS.items():
        sizes = [one.feeds for one in needs if getattr(one, field) > most]
        if sizes:
            found.append(f"From {sizes[0]:,} feeds on {words}.")
    return found


def constants(files: Sequence[Path], changes: Sequence[str]) -> dict[str, float]:
    """Return the constants by name. Exits with a sentence for what is none."""
    known = json.loads(FILE.read_text())
    values = {name: float(one["value"]) for name, one in known.items()}
    for file in files:
        for name, value in json.loads(file.read_text()).items():
            number = value["value"] if isinstance(value, dict) else value
            if name in values:
                values[name] = float(number)
    for change in changes:
        name, _, number = change.partition("=")
        if name not in values:
            sys.exit(f"there is no constant {name!r}; --list shows them")
        try:
            values[name] = float(number)
        except ValueError:
            sys.exit(f"{change!r}: write {name}=NUMBER")
    if wrong := [name for name, value in values.items() if not 0 <= value < math.inf]:
        sys.exit(f"{', '.join(wrong)} must be a number from 0 on")
    if not values["interval"] or values["busy"] <= values["worker_idle_cores"]:
        sys.exit("interval must be more than 0, and busy more than worker_idle_cores")
    return values


BY = "python benchmarks/workers.py --feeds 1000 --workers 2 --json, with --interval 60 and 15"


def taken(files: Sequence[Path]) -> dict[str, float]:
    """Return constants from steady phases of `benchmarks/workers.py --json` at different rates.

    What is used in a second is a part for each instance and a part for each poll; two rates tell
    them apart. All runs have the same number of workers.
    """
    runs = [run for file in files for run in json.loads(file.read_text())["runs"]]
    if len({run["workers"] for run in runs}) != 1 or len(runs) < 2:
        sys.exit("give two runs or more, of one number of workers, at different rates")
    workers = runs[0]["workers"]
    rates = [run["steady"]["polls per second"] for run in runs]

    def line(kind: str, name: str) -> tuple[float, float]:
        """Return what a second costs without polls, and what a poll costs."""
        used = [
            rate * run["steady"][kind].get(name, 0.0) for rate, run in zip(rates, runs, strict=True)
        ]
        middle, mean = sum(rates) / len(rates), sum(used) / len(used)
        spread = sum((rate - middle) ** 2 for rate in rates)
        if not spread:
            sys.exit("the rates of the runs are the same: change --interval")
        each = max(
            0.0,
            sum((r - middle) * (u - mean) for r, u in zip(rates, used, strict=True)) / spread,
        )
        return max(0.0, mean - each * middle), each

    cpu, per = "CPU ms per poll", "per poll"
    worker, scheduler = line(cpu, "worker"), line(cpu, "scheduler")
    deliverer, database = line(cpu, "deliverer"), line(cpu, "postgres")
    redis, commands = line(cpu, "valkey"), line(per, "redis commands")
    most = max(rates)
    return {
        "worker_idle_cores": worker[0] / 1e3 / workers,
        "poll_cpu_ms": worker[1],
        "scheduler_idle_cores": scheduler[0] / 1e3,
        "schedule_cpu_ms": scheduler[1],
        "deliverer_cores": (deliverer[0] + deliverer[1] * most) / 1e3,
        "pg_instance_cores": database[0] / 1e3 / (workers + 2),
        "pg_poll_cpu_ms": database[1],
        "redis_instance_operations": commands[0] / (workers + 2),
        "redis_operations": commands[1],
        "redis_cpu_us": 1e3 * (redis[0] + redis[1] * most) / (commands[0] + commands[1] * most),
    }


def take(files: Sequence[Path]) -> None:
    """Write the constants of these runs into growth.json."""
    known = json.loads(FILE.read_text())
    for name, value in taken(files).items():
        known[name] |= {"value": float(f"{value:.3g}"), "by": BY}
    FILE.write_text(json.dumps(known, indent=1) + "\n")


def section(needs: Sequence[Need]) -> str:
    """Return what stands between the marks of the document."""
    parts = [table(needs), *limits(needs)]
    return f"{BEGIN}\n" + "\n\n".join(parts) + f"\n{END}"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--feeds", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--constants", type=Path, action="append", default=[])
    parser.add_argument("--set", action="append", default=[], metavar="NAME=NUMBER")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--take", type=Path, nargs="+", metavar="FILE")
    given = parser.parse_args()
    if given.list:
        for name, one in json.loads(FILE.read_text()).items():
            print(f"{name:<18}{one['value']:>8g}  {one['of']}\n{'':<28}{one['by']}")
        return 0
    if given.take:
        take(given.take)
    values = constants(given.constants, given.set)
    needs = [need(feeds, values) for feeds in given.feeds]
    if given.json:
        print(json.dumps([vars(one) for one in needs], indent=1))
    elif given.write:
        text = DOCUMENT.read_text(encoding="utf-8")
        before, _, rest = text.partition(BEGIN)
        after = rest.partition(END)[2]
        DOCUMENT.write_text(before + section(needs) + after, encoding="utf-8")
    else:
        print("\n\n".join([table(needs), *limits(needs)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
