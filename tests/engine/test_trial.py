from random import Random

import pytest

from tgewatch.engine.trial import SWAP, Trial
from tgewatch.errors import MalformedError
from tgewatch.rules.trial import TrialRules

NOW = 1_700_000_000.0
RATES = {f"https://{n}.example/": n / 1e5 for n in range(11)}


def begun(**rules):
    chance = Random(1).random  # noqa: S311 - repeatable
    return Trial.begin(RATES, now=NOW, chance=chance, rules=TrialRules(**rules))


def test_halves_get_either_policy_and_change_places():
    trial = begun()
    first = {url: trial.policy(url, NOW) for url in RATES}
    second = {url: trial.policy(url, NOW + SWAP) for url in RATES}

    assert sorted(first.values()).count("index") in {5, 6}
    assert all(first[url] != second[url] for url in RATES)
    assert first == {url: trial.policy(url, NOW + 2 * SWAP) for url in RATES}
    assert trial.policy("https://other.example/", NOW) is None


def test_polls_count_for_the_policy_of_the_moment():
    trial = begun()
    url = next(url for url in RATES if trial.policy(url, NOW) == "index")
    trial.record(url, at=NOW + 10, delays=[5.0, 7.0])
    trial.record(url, at=NOW + SWAP + 10, delays=[9.0], failed=True, overrun=True)
    trial.record("https://other.example/", at=NOW + 20, delays=[1.0])
    old, new = trial.arms

    assert (new.items, new.mean, new.failures) == (2, 6.0, 0)
    assert (old.items, old.failures, old.overruns) == (1, 1, 1)


def test_time_is_counted_by_source():
    trial = begun()
    trial.record(next(iter(RATES)), at=NOW + 1_000, delays=[])

    assert sorted(arm.source_seconds for arm in trial.arms) == [5_000, 6_000]


def test_goes_on_after_a_restart():
    trial = begun()
    trial.record(next(iter(RATES)), at=NOW + 1_000, delays=[3.0])
    assert trial.changed
    again = Trial.load(trial.dump())

    assert again.arms == trial.arms
    assert again.started == NOW
    assert all(again.policy(url, NOW) == trial.policy(url, NOW) for url in RATES)
    assert not again.changed


@pytest.mark.parametrize("note", [b"", b"{}", b"[1]", b"\xff", b'{"started": "x"}'])
def test_what_is_no_trial_is_refused(note):
    with pytest.raises(MalformedError):
        Trial.load(note)


def test_a_histogram_of_another_version_is_refused():
    with pytest.raises(MalformedError):
        Trial.load(begun().dump().replace(b"[0,0,", b"[0,", 1))


def test_a_decision_stands():
    trial = begun(most_time=100.0)
    assert trial.finding(NOW + 50).decision == "running"
    assert trial.finding(NOW + 101).decision == "undecided"
    trial.record(next(iter(RATES)), at=NOW + 200, delays=[3.0])

    assert trial.finding(NOW + 50).decision == "undecided"
    assert sum(arm.requests for arm in trial.arms) == 0
    assert trial.policy(next(iter(RATES)), NOW + 50) is None
    assert Trial.load(trial.dump()).finding(NOW).decision == "undecided"
