import pytest

from tgewatch.detect.scam import Officials, flags, skeleton, stem
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
