from tgewatch.detect.detector import Detector
from tgewatch.engine.articles import Articles
from tgewatch.engine.pipeline import Pipeline
from tgewatch.model import Company, Source
from tgewatch.settings import DetectionSettings
from tgewatch.testing.fetcher import ScriptedFetcher
from tgewatch.testing.reader import item

URL = "https://medium.example/feed/@team"
NOW = 1_780_000_000.0


async def plain(body, _url, _type):
    return body.decode()


def judged(title, *, company="", url="https://medium.example/p/1"):
    """Return what a watch for Lumara makes of an item whose source speaks for `company`."""
    detector = Detector(
        (Company("Lumara Protocol", domains=("lumara.example",)),), DetectionSettings(mode="watch")
    )
    pipeline = Pipeline(detector, Articles(ScriptedFetcher([]), plain))
    found = item(title, source=URL, url=url, at=NOW - 60.0)
    return pipeline.judge(Source(URL, "team blog", company=company), found, now=NOW)


def test_a_company_need_not_name_itself_in_its_own_feed():
    assert judged("Our token generation event is on 12 August", company="Lumara Protocol").verdict


def test_anybody_else_must_name_a_company_of_the_watchlist():
    found = judged("Our token generation event is on 12 August")

    assert (found.stage, found.verdict) == ("match", None)
