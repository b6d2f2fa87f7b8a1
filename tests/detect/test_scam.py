import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.detect.scam import _LINK, LINKS_IN, Officials, _links, flags, skeleton, stem
from tgewatch.detect.text import fields_of
from tgewatch.model import Company, Item

COMPANIES = (
    Company(name="Velthar", x_handle="velthar_xyz", domains=("velthar.org",)),
    Company(name="Lumora Network", x_handle="lumora", domains=("lumora.network",)),
)
OFFICIALS = Officials(COMPANIES)


def named(text, *, url="", kind="post", author=""):
    item = Item(source="", key="", url=url, title=text, kind=kind, author=author)
    return {f.name for f in flags(item, fields_of(item), OFFICIALS)}


@pytest.mark.parametrize(
    "host",
    [
        "velthar.com", "ve1thar.org", "velth\u0430r.org", "xn--velthr-7nf.org", "claim-velthar.xyz",
        "velthar-airdrop.net", "veltharclaim.io", "velthars.org", "app.velthor.org", "lumora-claim.app",
        "lurnora.network",
    ],
)  # fmt: skip
def test_look_alikes_of_official_domains_are_flagged(host):
    assert "lookalike_domain" in named(f"Claim at https://{host}/now")


@pytest.mark.parametrize(
    "host",
    [
        "velthar.org",
        "claim.velthar.org",
        "www.lumora.network",
        "coindesk.com",
        "x.com",
        "weather.org",
    ],
)
def test_official_and_unrelated_domains_are_not(host):
    assert named(f"Read https://{host}/now") == set()


@pytest.mark.parametrize(
    ("link", "flagged"),
    [
        ("https://velthar.org.claim-now.xyz/", True),
        ("https://app.velthar.org.a.b.example/", True),
        ("https://velthar.org@evil.example/claim", True),
        ("https://news.example@evil.example/claim", True),
        ("https://reader@news.example/", False),
        ("https://medium.com/@velthar.org", False),
        ("https://" + "a." * 100 + "velthar.org/", False),
        ("https://a.org.example/velthar.org", False),
    ],
)
def test_an_official_domain_that_only_stands_in_front_is_flagged(link, flagged):
    assert ("lookalike_domain" in named(f"Claim at {link}")) is flagged


def test_bare_domains_and_the_items_own_link_count_too():
    assert "lookalike_domain" in named("go to claim-velthar.xyz now")
    assert "lookalike_domain" in named("news", url="https://velthar-claim.xyz/a")


@pytest.mark.parametrize(
    "handle", ["velthar_xyzz", "ve1thar_xyz", "velthar_xyz_official", "Iumora"]
)
def test_impersonators_of_handles_are_flagged(handle):
    assert "impersonator" in named(f"RT @{handle}: claim now")
    assert "impersonator" in named("claim now", author=handle)


def test_the_real_handle_and_strangers_are_not():
    assert named("RT @velthar_xyz: hello @somebody", author="velthar_xyz") == set()


@pytest.mark.parametrize(
    ("text", "flag"),
    [
        ("Connect your wallet to receive $VLT", "connect_wallet"),
        ("Enter your seed phrase to verify", "drainer_phrase"),
        ("Send 1 ETH and receive 2 back", "drainer_phrase"),
        ("validate your wallet here", "drainer_phrase"),
        ("Claim: https://bit.ly/abc", "shortened_link"),
    ],
)
def test_bait_is_flagged(text, flag):
    assert flag in named(text)


def test_a_warning_about_fraud_is_not_fraud():
    assert named("Scam alert: never connect your wallet or share a seed phrase") == set()


def test_every_flag_says_why():
    item = Item(source="", key="", url="https://velthar.com/x", title="connect wallet")
    assert all(f.detail for f in flags(item, fields_of(item), OFFICIALS))


def test_confusable_letters_have_one_skeleton():
    assert skeleton("ve1th\u0430r") == skeleton("velthar")
    assert skeleton("velthar") != skeleton("velthor")
    assert [stem(h) for h in ("a.b.co.uk", "b.xyz", "b", "")] == ["b", "b", "b", ""]


def test_broken_links_break_nothing():
    assert named("http://[::1 https://xn--\udcff.com http://%%% http://." + "a" * 3000) == set()


def test_a_host_and_a_handle_asked_for_again_are_what_they_were():
    officials = Officials(COMPANIES)

    first = officials.imitated("velthar.com"), officials.impersonated("velthar_xyz1")
    assert first == (officials.imitated("velthar.com"), officials.impersonated("velthar_xyz1"))
    assert officials.imitated.cache_info().hits == 1
    assert first[0][0] == "Velthar"


PARTS = ["a.com", "https://b.io/x.", "http://localhost", "c-d.app/e", "@f.xyz", ".g.net", "end.", '"h.fi"', "(i.org)",
         "j.com.", "k.", "\u3000", "\t", " ", "'", "xn--l.io", "m..com", "CLAIM.XYZ"]  # fmt: skip


@given(st.lists(st.sampled_from(PARTS) | st.text(max_size=2), max_size=12).map("".join))
def test_the_links_of_a_text_are_those_of_its_words(text):
    item = Item(source="", key="", url="", title=text)
    fields = fields_of(item)

    assert list(_links(item, fields)) == list(dict.fromkeys(_LINK.findall(fields[0].text)))[:20]


def test_a_long_text_is_searched_for_links_up_to_a_bound():
    text = "word " * 1_500 + " https://late.example/x"
    item = Item(source="", key="", url="", title="t", content=text)

    assert len(text) > LINKS_IN
    assert not _links(item, fields_of(item))
    assert _links(item, fields_of(Item(source="", key="", url="", title="t", content=text[-40:])))
