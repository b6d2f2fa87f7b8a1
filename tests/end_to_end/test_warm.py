"""`tgewatch scan --warm`: polls before their time, and what was counted of them."""

import json

OLD = [(f"Markets were quiet, part {n}", "Nothing happened.", 60.0 * n) for n in range(1, 9)]
NEW = ("A new chapter", "Something may have happened.", -1.0)


def test_a_source_that_is_not_due_is_polled_for_who_reads_next(shell):
    shell.site.feeds["news"] = OLD
    shell.settings(shell.site.url())
    shell.scan("--all")
    shell.site.feeds["news"] = [*OLD, NEW]

    cold = shell.scan(now="2026-09-21T12:01:05Z").json
    warm = shell.scan("--warm", "5", now="2026-09-21T12:01:06Z").json

    assert (cold["sources"]["polled"], cold["warmed"]) == (0, None)
    assert (warm["sources"]["polled"], warm["items"]["new"]) == (1, 1)
    assert (warm["warmed"]["polls"], warm["warmed"]["found"]) == (1, 1)
    assert 0 < warm["warmed"]["expected"] < 1
    counts = json.loads((shell.folder / "state" / "performance_metrics.json").read_text())["counts"]
    assert (counts["warm_polls"], counts["warm_items"]) == (1, 1)
