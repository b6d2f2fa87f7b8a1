import threading

import pytest

from tgewatch.fetch.adaptive import MOST_CLASSES, MOST_KEYS, AdaptiveTtl, adaptive_from, by_host
from tgewatch.settings.caching import CacheSettings


def test_starts_from_the_tiers_ttl():
    assert AdaptiveTtl(ttl=600).ttl("https://a.example/feed") == pytest.approx(600)


def test_what_is_never_found_changed_is_believed_longer_within_the_cap():
    learner = AdaptiveTtl(ttl=600, cap=1_500)
    ttls = []
    for _ in range(100):
        learner.observe("https://a.example/feed", 600, changed=False)
        ttls.append(learner.ttl("https://a.example/feed"))

    assert ttls == sorted(ttls)
    assert ttls[-1] == 1_500


def test_what_is_often_found_changed_is_believed_shorter_within_the_floor():
    learner = AdaptiveTtl(ttl=600, floor=300)
    for _ in range(100):
        learner.observe("https://a.example/feed", 100, changed=True)

    assert 300 <= learner.ttl("https://a.example/feed") < 600


def test_a_new_key_starts_from_what_its_class_has_shown():
    learner = AdaptiveTtl(ttl=600, cap=100_000)
    for n in range(50):
        learner.observe(f"https://slow.example/{n}", 600, changed=False)

    assert learner.ttl("https://slow.example/new") > 900
    assert learner.ttl("https://other.example/new") == pytest.approx(600)


def test_keys_of_one_class_may_differ():
    learner = AdaptiveTtl(ttl=600, cap=100_000)
    for _ in range(60):
        learner.observe("https://a.example/slow", 600, changed=False)
        learner.observe("https://a.example/fast", 600, changed=True)

    assert learner.ttl("https://a.example/slow") > 2 * learner.ttl("https://a.example/fast")


def test_shows_what_it_believes_per_class():
    learner = AdaptiveTtl(ttl=600)
    for _ in range(10):
        learner.observe("https://fast.example/a", 600, changed=True)
        learner.observe("https://slow.example/a", 600, changed=False)

    fast, slow = learner.classes()

    assert (fast.key_class, slow.key_class) == ("fast.example", "slow.example")
    assert fast.period < slow.period
    assert fast.ttl < slow.ttl
    assert fast.checks == 10
    assert repr(learner) == "<AdaptiveTtl 2 keys in 2 classes>"


def test_remembers_no_more_than_it_may():
    learner = AdaptiveTtl(ttl=600)

    for n in range(MOST_KEYS + 50):
        learner.observe(f"https://{n}.example/", 600, changed=False)

    assert repr(learner) == f"<AdaptiveTtl {MOST_KEYS} keys in {MOST_CLASSES} classes>"


def test_threads_may_teach_it_at_once():
    learner = AdaptiveTtl(ttl=600)

    def teach():
        for n in range(300):
            learner.observe(f"https://{n % 7}.example/", 600, changed=bool(n % 2))

    threads = [threading.Thread(target=teach) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(each.checks for each in learner.classes()) == 1_800


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("https://a.example:8/x?y", "a.example:8"),
        ("user:1", "user:1"),
        ("", ""),
        ("http://[", "http://["),
    ],
)
def test_the_class_of_a_url_is_its_host(key, name):
    assert by_host(key) == name


def test_settings_say_which_tiers_learn():
    learners = adaptive_from(CacheSettings())

    assert {name: round(each.ttl("x")) for name, each in learners.items()} == {
        "rss": 600,
        "article_content": 259_200,
    }
    assert adaptive_from(CacheSettings(adaptive=False)) == {}
