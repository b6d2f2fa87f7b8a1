"""Where redirects lead, and what goes along."""

import pytest

from tgewatch.errors import MalformedError, RefusedError
from tgewatch.rules.redirects import Trail, follow

START = Trail("https://a.example/feed")


def walk(*steps: tuple[int, str], limit: int = 5, start: Trail = START) -> Trail:
    trail = start
    for status, location in steps:
        trail = follow(trail, status, {"location": location}, limit=limit)
    return trail


def test_a_run_of_permanent_redirects_names_the_new_address():
    trail = walk((301, "/b"), (308, "https://b.example/c"))

    assert trail.url == trail.moved_to == "https://b.example/c"


def test_a_temporary_redirect_ends_that_run_for_good():
    assert walk((302, "/b"), (301, "/c")).moved_to == ""
    assert walk((301, "/b"), (302, "/c"), (301, "/d")).moved_to == "https://a.example/b"


def test_a_step_down_to_http_is_noted_and_never_adopted():
    trail = walk((301, "http://a.example/feed"))

    assert trail.downgraded
    assert trail.moved_to == ""
    assert not trail.trusted


def test_headers_go_along_within_the_origin_only_and_never_again_after_it():
    assert walk((302, "/b")).trusted
    assert not walk((302, "https://b.example/")).trusted
    assert not walk((302, "https://b.example/"), (302, "https://a.example/back")).trusted


def test_the_limit_is_the_number_of_redirects():
    steps = [(302, f"/{n}") for n in range(3)]

    assert walk(*steps, limit=3).url == "https://a.example/2"
    with pytest.raises(RefusedError) as caught:
        walk(*steps, limit=2)
    assert caught.value.cause == "too_many_redirects"


def test_a_loop_is_seen_at_once():
    with pytest.raises(RefusedError) as caught:
        walk((302, "/b"), (302, "/feed#again"))
    assert caught.value.cause == "redirect_loop"


@pytest.mark.parametrize("headers", [{}, {"location": " "}])
def test_a_redirect_without_a_target_makes_no_sense(headers):
    with pytest.raises(MalformedError) as caught:
        follow(START, 302, headers, limit=5)
    assert caught.value.cause == "bad_redirect"
