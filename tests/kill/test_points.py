"""Killed at any step, and started again: nothing is lost, and nothing repeated that was done."""

import os
import re
import shutil
import signal
import threading

import pytest

KILLED = -signal.SIGKILL
PARTS = 8
OLD_ETAG = '"3"'


def stored_by(point):
    """Return whether the poll is in the store when the program has reached `point`."""
    return point == "poll.done" or not point.startswith(("open.", "fetch.", "poll."))


def doubtful(point):
    """Return whether a message may have left and not be marked at `point`.

    Articles are read while messages are sent.
    """
    return point.startswith(("send.", "mark.", "text.", "article."))


def steps(points):
    """Return the points, sorted, with one for each run of statements of the same kind."""
    last, found = "", []
    for point in points:
        kind = re.sub(r"\d+", "", point)
        if kind != last:
            found.append(point)
        last = kind
    return sorted(found)


def test_the_undisturbed_run_passes_every_kind_of_step(undisturbed):
    kept, points = undisturbed

    kinds = {point.split(".")[0] for point in points}
    assert kinds >= {"open", "fetch", "poll", "text", "article", "send", "mark"}
    tables = {point.split(" ")[-1] for point in points if point.startswith("poll.")}
    assert tables >= {"sources", "seen", "items", "claims", "events", "transitions", "outbox"}
    assert len(kept.events) >= 3
    assert {state for _, _, state in kept.messages} == {"delivered"}


@pytest.mark.parametrize("part", range(PARTS))
def test_a_kill_between_any_two_steps_loses_nothing(part, town, undisturbed, tmp_path):
    whole, points = undisturbed

    for number, point in enumerate(steps(points)[part::PARTS]):
        folder = tmp_path / str(number)
        shutil.copytree(town.template, folder)
        town.forget(town.news)

        assert town.scan(folder, town.later, at=point) == KILLED, point
        found = town.kept(folder)
        times = 2 if doubtful(point) else 1
        settled = town.settle(folder, times=times)

        assert (found.of(1) == len(town.news)) is stored_by(point), point
        assert (found.etags[1] == town.site.etag) is stored_by(point), point
        assert found.of(1) in {len(town.old), len(town.news)}, point
        assert settled == whole, point
        town.receive(exactly=whole.keys, twice=doubtful(point))
        killed = [] if point == "fetch.before" or point.startswith("open.") else [OLD_ETAG]
        again = town.site.etag if stored_by(point) else OLD_ETAG
        assert town.site.polls == [*killed, again, town.site.etag][: len(killed) + times], point


def test_killed_at_one_step_after_the_other_it_still_gets_there(town, undisturbed, folder):
    whole, points = undisturbed
    wanted = [p for p in points if not p.startswith("open.")]
    row = [*wanted[::5], "poll.commit", "poll.done", "send.after", "send.after", "mark.commit"]

    codes = [
        (point, town.scan(folder, town.later + number, at=point))
        for number, point in enumerate(row)
    ]

    doubts = sum(code == KILLED and doubtful(point) for point, code in codes)
    assert [code for _, code in codes].count(KILLED) >= 10
    assert town.settle(folder) == whole
    town.receive(exactly=whole.keys, twice=doubts)


@pytest.mark.parametrize("part", [0.0, 0.3, 0.6, 1.0])
def test_a_kill_while_the_store_is_made_leaves_one_that_can_be_made(
    part, town, fresh, tmp_path_factory
):
    note = tmp_path_factory.mktemp("points") / "points"
    place = note.parent
    town.write_settings(place)
    assert town.scan(place, town.now, note=str(note)) == 0
    opened = [one for one in note.read_text().splitlines() if one.startswith("open.")]
    point = opened[round(part * (len(opened) - 1))]

    assert town.scan(fresh, town.now, at=point) == KILLED
    assert town.scan(fresh, town.now) == 0

    assert town.kept(fresh) == town.kept(place)


@pytest.mark.parametrize("point", ["fetch.after", "poll.commit", "poll.done"])
def test_killed_in_its_first_poll_it_still_takes_history_for_history(
    point, town, undisturbed, fresh
):
    whole, _ = undisturbed

    assert town.scan(fresh, town.now, at=point) == KILLED
    assert town.scan(fresh, town.now + 60) == 0
    assert town.channel.received == []

    town.forget(town.news)
    assert town.settle(fresh) == whole
    town.receive(exactly=whole.keys, twice=0)


def test_a_message_that_was_taken_and_never_answered_is_the_only_one_repeated(
    town, undisturbed, folder
):
    whole, _ = undisturbed
    town.channel.hangs_after_taking()
    process = town.begin(folder, town.later)
    while not town.channel.received:
        threading.Event().wait(0.01)
    os.kill(process, signal.SIGKILL)
    assert town.end() == KILLED
    (in_flight,) = town.channel.keys

    assert town.settle(folder) == whole
    town.receive(exactly=whole.keys, twice=1)
    assert town.channel.keys.count(in_flight) == 2


@pytest.mark.parametrize("point", ["poll.begin", "poll.20", "poll.commit", "poll.done"])
def test_polls_that_share_a_transaction_are_each_stored_whole_or_not_at_all(point, town, fresh):
    town.write_settings(fresh, sources=5, group=256)
    assert town.scan(fresh, town.now) == 0
    town.forget(town.news)

    assert town.scan(fresh, town.later, at=point) == KILLED
    found = town.kept(fresh)
    settled = town.settle(fresh)

    for source in range(1, 6):
        stored = found.of(source)
        assert stored in {len(town.old), len(town.news)}
        assert (stored == len(town.news)) is (found.etags[source] == town.site.etag)
        assert settled.of(source) == len(town.news)
    assert max(settled.events.values()) == 1
    assert max(settled.transitions.values()) == 1
    assert {state for _, _, state in settled.messages} == {"delivered"}
    town.receive(exactly=settled.keys, twice=0)
