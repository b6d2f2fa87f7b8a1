from tgewatch.detect.claim import claim_of
from tgewatch.model import Item, Kind, Source, Verdict

ITEM = Item(
    source="https://a.example/feed",
    key="k1",
    url="https://a.example/1",
    title="T",
    summary="S" * 2_000,
    published=5.0,
)
VERDICT = Verdict(
    relevant=True,
    score=1.0,
    confidence=0.7,
    why=(),
    kind=Kind.LIVE,
    project="Quarvo",
    company="Quarvo",
    ticker="QRV",
)


def claim(item=ITEM, verdict=VERDICT, company="", **options):
    source = Source(url=item.source, name="A", company=company)
    return claim_of(item, verdict, source, seen=9.0, baseline=False, **options)


def test_its_id_depends_on_source_and_item_alone():
    other = Item(source=ITEM.source, key="k1", url="https://elsewhere.example", title="Edited")

    assert claim().id == claim(other).id
    assert claim().id != claim(Item(source=ITEM.source, key="k2", url="", title="T")).id
    assert len(claim().id) == 64


def test_only_the_companys_own_source_is_official():
    assert claim(company="Quarvo").official
    assert not claim(company="Lumora").official
    assert not claim().official


def test_it_is_dated_by_publication_or_by_sight():
    assert claim().at == 5.0
    assert claim(Item(source="s", key="k", url="", title="T")).at == 9.0


def test_its_text_is_bounded():
    assert claim().text.startswith("T\nSSS")
    assert len(claim().text) == 600
