"""What goes into a database comes out of it, whatever it is."""

from dataclasses import replace

from hypothesis import example, given
from hypothesis import strategies as st

from tgewatch.model import Claim, Event, Kind, SourceState, State, Verdict
from tgewatch.rules.urls import canonical
from tgewatch.store import codec
from tgewatch.testing.polls import claimed, item

ANY = st.text(st.characters(exclude_categories=()), max_size=40)
"""With NUL and lone surrogates."""
CLEAN = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)


@given(CLEAN)
def test_text_that_every_database_takes_is_left_alone(text):
    assert codec.mended(text) == text


@given(ANY)
def test_mended_text_is_taken_by_every_database(text):
    mended = codec.mended(text)

    assert "\0" not in mended
    mended.encode()
    assert len(mended) == len(text)


@given(CLEAN, st.floats(allow_nan=False, allow_infinity=False))
def test_values_come_back_as_they_were(text, number):
    state = SourceState(url=text, because=text, next_poll=number, baseline_at=number)
    verdict = replace(claimed("a", "Foo").verdict, project=text, score=number)
    claim = replace(claimed("a", "Foo").claim, title=text, at=number)
    event = Event("e", text, State.LIVE, Kind.LIVE, 0.5, number, number, names=(text,))

    assert codec.state_of(codec.json(state)) == state
    assert codec.verdict_of(codec.json(verdict)) == verdict
    assert codec.claim_of(codec.json(claim)) == claim
    assert codec.event_of(codec.json(event)) == event


@given(ANY)
@example("\\u0000")
def test_json_is_taken_by_every_database_and_stays_readable(text):
    claim: Claim = replace(claimed("a", "Foo").claim, title=text, text=text)

    written = codec.json(claim)

    assert "\\u0000" not in written.replace("\\\\", "")
    assert codec.claim_of(written).title == codec.mended(text)
    assert codec.plain(claim) == codec.claim_of(written)


@given(st.text(st.characters(exclude_categories=()), max_size=80), ANY)
def test_digests_tell_keys_apart(one, other):
    assert len(codec.digest(one)) == codec.DIGEST
    assert (codec.digest(one) == codec.digest(other)) == (one == other)


def test_a_digest_of_a_hash_is_its_beginning():
    assert codec.digest("ab" * 32) == "ab" * 16
    assert codec.digest("AB" * 32) != codec.digest("ab" * 32)


@given(ANY, ANY)
def test_a_fingerprint_changes_with_the_text_and_only_with_it(title, summary):
    one = replace(item("a"), title=title, summary=summary)

    assert codec.fingerprint(one) == codec.fingerprint(replace(one, author="other", published=1.0))
    assert codec.fingerprint(one) != codec.fingerprint(replace(one, title=title + "."))
    assert len(codec.fingerprint(one)) == 32


HOSTS = st.from_regex(r"\A[A-Za-z0-9.-]{1,20}\Z")
PATHS = st.from_regex(r"\A(/[A-Za-z0-9._~%?#&=+:-]{0,8}){0,4}\Z")


@given(st.sampled_from(["http", "https", "HTTP", "ftp"]), HOSTS, PATHS)
@example("https", "news.example", "/2026/05/a-title_of~it/")
@example("https", "xn--80ak6aa92e.com", "/a")
@example("https", "a-.com", "/a")
@example("http", "0x7f.1", "/a")
def test_urls_taken_for_canonical_are_canonical(scheme, host, path):
    url = f"{scheme}://{host}{path}"

    assert codec.url_hash(url) == codec.url_hash(canonical(url))


@given(ANY)
def test_any_text_has_a_hash_that_fits_a_column(url):
    assert -(2**63) <= codec.url_hash(url) < 2**63


def test_a_verdict_of_a_later_version_is_read_without_its_new_fields():
    text = codec.json(claimed("a", "Foo").verdict).replace("{", '{"later": 1, ', 1)

    assert isinstance(codec.verdict_of(text), Verdict)
