"""What all instances of a swarm measure of themselves, for `tgewatch metrics --all`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tgewatch.cli.output import print_json, print_rows

if TYPE_CHECKING:
    from tgewatch.settings import Settings
    from tgewatch.swarm.presence import Present

COLUMNS = ("instance", "up for", "silent", "polls", "requests", "304", "new items", "429", "MB")
COUNTED = ("polls", "api_calls", "cache_revalidated", "items_new", "rate_limit_violations")


def show_all(settings: "Settings", *, json: bool) -> None:
    """Print a row for each instance that is there, and their sum. Raises TransientError."""
    from tgewatch.app import run_loop  # noqa: PLC0415 - `--help` needs none of it
    from tgewatch.app.instances import read_instances  # noqa: PLC0415 - as above
    from tgewatch.clock import SystemClock  # noqa: PLC0415 - as above

    clock = SystemClock()
    found = run_loop(read_instances(settings, clock=clock))
    if json:
        print_json(as_object(found))
    else:
        print_rows(COLUMNS, rows(found, now=clock.now()), title="Instances")


def as_object(found: "Sequence[Present]") -> dict[str, Any]:
    """Return the instances and their sum, for programs."""
    from tgewatch.swarm.presence import summed  # noqa: PLC0415 - as above

    return {
        "instances": [
            {
                "instance": one.snapshot.instance,
                "identity": one.identity,
                "started": one.snapshot.started,
                "silent": one.silent,
                "counts": one.snapshot.counts,
                "gauges": one.snapshot.gauges,
            }
            for one in found
        ],
        "counts": summed(found),
    }


def rows(found: "Sequence[Present]", *, now: float) -> list[tuple[str, ...]]:
    """Return the instances and their sum, for people."""
    from tgewatch.swarm.presence import summed  # noqa: PLC0415 - as above

    total = summed(found)
    memory = sum(one.snapshot.gauges.get("memory_megabytes", 0.0) for one in found)
    listed = [
        (
            one.snapshot.instance or one.identity,
            f"{max(0.0, now - one.snapshot.started) / 60:.0f} min" if one.snapshot.started else "?",
            f"{one.silent:.1f} s",
            *(str(one.snapshot.counts.get(what, 0)) for what in COUNTED),
            f"{one.snapshot.gauges.get('memory_megabytes', 0.0):.0f}",
        )
        for one in found
    ]
    everything = (str(total.get(what, 0)) for what in COUNTED)
    return [*listed, (f"all {len(found)}", "", "", *everything, f"{memory:.0f}")]
