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
    assert "1 polls before their time: 1 new items" in shell.run("metrics").out


def test_articles_that_were_read_at_detection_are_measured_by_what_became_of_them(shell):
    shell.site.feeds["news"] = OLD
    shell.site.pages = {
        "/news/0": "Merida, ticker $MERI, said that its token generation event takes place on"
        " 12 October 2026. " * 3,
        "/news/1": "Lentils need twenty minutes. " * 9,
    }
    shell.settings(shell.site.url())
    shell.scan()
    shell.site.feeds["news"] = [
        ("Merida reveals when its token will launch", "", 1.0),
        ("Lentil airdrop: everything you need to know", "", 2.0),
        *OLD,
    ]
    report = shell.scan("--all", now="2026-09-21T12:05:00Z").json

    found = json.loads(shell.run("metrics", "--json").out)["articles_ahead"]

    assert report["items"]["articles"] == {"fetched": 2}
    assert len(report["events"]) == 1
    assert (found["precision"], found["recall"]) == (0.5, 1.0)
    assert 0.2 < found["wasted"] < 0.9
    assert "2 articles read at detection: precision 50.0%" in shell.run("metrics").out
