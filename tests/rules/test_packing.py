import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.rules.packing import least, pack, repack

COSTS = st.dictionaries(st.text("abcdef", min_size=1, max_size=6), st.integers(5, 24), max_size=60)


def used(bins):
    return [names for names in bins if names]


@given(COSTS)
def test_every_name_is_in_one_bin_and_no_bin_is_overfull(costs):
    bins = pack(costs, 100)

    assert sorted(name for names in bins for name in names) == sorted(costs)
    assert all(sum(costs[name] for name in names) <= 100 for names in bins)


@given(COSTS)
def test_takes_at_most_one_bin_more_than_the_least(costs):
    assert len(pack(costs, 100)) <= least(costs.values(), 100) + 1


@given(COSTS, st.randoms())
def test_the_order_of_the_names_does_not_matter(costs, random):
    names = list(costs)
    random.shuffle(names)

    assert pack({name: costs[name] for name in names}, 100) == pack(costs, 100)


def test_a_name_that_fits_nowhere_is_refused():
    with pytest.raises(ValueError, match="'long'"):
        pack({"long": 101}, 100)


@given(COSTS)
def test_what_has_not_changed_stays_where_it_is(costs):
    before = pack(costs, 100)

    assert repack(before, costs, 100) == before


@given(COSTS.filter(lambda costs: len(costs) > 3), st.data())
def test_repacking_keeps_every_name_once(costs, data):
    before = pack(costs, 100)
    gone = data.draw(st.sets(st.sampled_from(sorted(costs)), max_size=len(costs) - 1))
    kept = {name: cost for name, cost in costs.items() if name not in gone} | {"new": 20}

    bins = repack(before, kept, 100)

    assert sorted(name for names in bins for name in names) == sorted(kept)
    assert all(sum(kept[name] for name in names) <= 100 for names in bins)
    assert len(used(bins)) - len(pack(kept, 100)) <= 0.1 * len(used(bins))


def test_a_new_name_moves_no_other_one():
    before = (("a", "b"), ("c",))

    bins = repack(before, dict.fromkeys("abcd", 50), 100)

    assert bins == (("a", "b"), ("c", "d"))


def test_an_emptied_bin_keeps_the_places_of_those_behind_it():
    costs = {f"n{i}": 100 for i in range(20)}
    before = pack(costs, 100)
    del costs[before[3][0]]

    bins = repack(before, costs, 100)

    assert bins[3] == ()
    assert bins[4] == before[4]


def test_waste_is_packed_anew():
    before = tuple((f"n{i}",) for i in range(10))

    assert len(repack(before, {f"n{i}": 10 for i in range(10)}, 100)) == 1
