import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.rules.rate_headers import Quota, read_answer

RATE = {
    "x-rate-limit-limit": "450",
    "x-rate-limit-remaining": "449",
    "x-rate-limit-reset": "1700000900",
}


def read(status=200, headers=None, body=b""):
    return read_answer(status, headers or {}, now=1_700_000_000.0, body=body)


def test_reads_what_is_left_and_until_when():
    assert read(headers=RATE).quotas == (Quota("rate-limit", 450, 449, 1_700_000_900.0),)


def test_reads_families_it_has_never_heard_of():
    day = {
        "x-app-limit-24hour-limit": "1000",
        "x-app-limit-24hour-remaining": "7",
        "x-app-limit-24hour-reset": "1700080000",
    }

    families = {quota.family: quota.remaining for quota in read(headers=RATE | day).quotas}

    assert families == {"rate-limit": 449, "app-limit-24hour": 7}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-rate-limit-limit", "0"),
        ("x-rate-limit-limit", "-1"),
        ("x-rate-limit-limit", "many"),
        ("x-rate-limit-remaining", ""),
        ("x-rate-limit-remaining", "1.5"),
        ("x-rate-limit-remaining", "٣"),
        ("x-rate-limit-reset", "900"),
        ("x-rate-limit-reset", "9" * 400),
    ],
)
def test_headers_that_make_no_sense_say_nothing(name, value):
    assert read(headers=RATE | {name: value}).quotas == ()


@pytest.mark.parametrize("name", list(RATE))
def test_a_family_that_is_incomplete_says_nothing(name):
    assert read(headers={n: v for n, v in RATE.items() if n != name}).quotas == ()


def test_never_more_is_left_than_the_limit():
    (quota,) = read(headers=RATE | {"x-rate-limit-remaining": "5000"}).quotas

    assert quota.remaining == 450


def test_reads_the_servers_time():
    dated = {"date": "Tue, 14 Nov 2023 22:13:20 GMT"}

    assert read(headers=dated).date == 1_700_000_000.0
    assert read(headers=dated | {"age": "30"}).date is None  # told by a cache
    assert read(headers={"date": "yesterday"}).date is None


def test_reads_how_long_to_stay_away():
    assert read(429, {"retry-after": "77"}).retry_after == 77.0


def test_tells_a_used_up_month_from_a_used_up_window():
    month = b'{"title":"Cap","type":"https://api.example/problems/usage-capped","period":"Monthly"}'
    window = b'{"title":"Too Many Requests","type":"about:blank","status":429}'

    assert read(429, RATE, month).capped
    assert not read(429, RATE, window).capped
    assert not read(200, RATE, month).capped  # somebody only writes about it


@given(
    st.dictionaries(
        st.text("x-ratelimresngd", min_size=1, max_size=30), st.text(max_size=20), max_size=20
    ),
    st.binary(max_size=50),
)
def test_no_header_breaks_it(headers, body):
    read(429, headers, body)


def test_a_flood_of_families_is_cut_off():
    headers = {
        f"x-f{n}-{name}": "1700000900"
        for n in range(500)
        for name in ("limit", "remaining", "reset")
    }

    assert len(read(headers=headers).quotas) <= 8
