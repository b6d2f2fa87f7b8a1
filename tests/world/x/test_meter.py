from tgewatch.world.x.meter import DAY, Meter

MIDNIGHT = 20_000 * DAY


def test_a_post_is_billed_once_a_day_and_again_after_midnight():
    meter = Meter()
    meter.posts([1, 2], MIDNIGHT - 2)
    meter.posts([2, 3], MIDNIGHT - 1)
    assert meter.dollars == 0.015
    meter.posts([3], MIDNIGHT)
    assert (meter.billed_posts, meter.dollars) == (4, 0.020)
    assert meter.day(MIDNIGHT).posts == {3}
    assert meter.returned["posts"] == 5


def test_accounts_cost_twice_as_much_and_counts_by_request():
    meter = Meter()
    meter.users([1, 1], MIDNIGHT)
    meter.counts(MIDNIGHT)
    meter.counts(MIDNIGHT)
    assert meter.dollars == 0.020


def test_one_charge_a_day_is_a_soft_promise():
    meter = Meter()
    meter.posts([1], MIDNIGHT, again=True)
    meter.posts([1], MIDNIGHT, again=True)
    assert meter.billed_posts == 2


def test_what_was_billed_since_a_day_can_be_asked():
    meter = Meter()
    meter.posts([1], MIDNIGHT - 1)
    meter.posts([1], MIDNIGHT)
    assert meter.posts_since(MIDNIGHT) == 1
    assert "2 posts" in repr(meter)
