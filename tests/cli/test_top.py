"""The live view, on terminals of different widths."""

import io
from collections import Counter

import pytest
from rich.console import Console

from tgewatch.cli.metrics import OPERATION_COLUMNS
from tgewatch.cli.top import Glance
from tgewatch.metrics.archive import Written
from tgewatch.metrics.recorder import CycleRecord


def drawn(width, *, written):
    glance = Glance(
        now=100.0,
        written=written,
        sources=Counter({"ok": 58, "silent": 2}),
        due=3,
        changes=[("11-28 09:55", "A project with a name that does not end " * 5, "announced")],
        pending=4,
    )
    page = Console(file=io.StringIO(), width=width, force_terminal=False)
    page.print(glance.panel(width))
    return page.file.getvalue()


@pytest.fixture
def written():
    cycles = [CycleRecord(n, 0.0, float(n % 7), {"api_calls": 34}) for n in range(100)]
    return Written(
        at=90.0,
        cycles=cycles,
        measures={"cycle_seconds": 8.6, "cache_hit_rate": 92.4, "connection_reuse": 100.0},
        gauges={"memory_megabytes": 106.0},
        operations={
            "program.a_rather_long_operation": {"count": 12_345, "p95": 0.12345},
            "rss.fetch": {"count": 3, "p95": 1.5},
        },
    )


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_every_figure_can_be_read_whole(written, width):
    shown = drawn(width, written=written)

    for text in ("requests", "34", "8.60 s", "hit rate", "92.4 %", "100.0 %", "106 MB", "pending"):
        assert text in shown
    for text in ("12345", "123.45", "1500.00", "p95", "count"):
        assert text in shown
    assert "…" not in shown.split("count")[0]
    assert max(map(len, shown.splitlines())) <= width


def test_a_wide_one_shows_all_that_is_known_of_an_operation_and_a_narrow_one_what_fits(written):
    assert all(name in drawn(120, written=written) for name in OPERATION_COLUMNS)
    assert "longest" not in drawn(40, written=written)


def test_before_anything_was_measured_there_is_nothing_but_names():
    assert "nothing measured yet" in drawn(80, written=None)
