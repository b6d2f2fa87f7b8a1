from tgewatch.detect.detector import Detector
from tgewatch.engine.articles import Articles
from tgewatch.engine.pipeline import HISTORY, Pipeline
from tgewatch.model import Company, Source
from tgewatch.settings import DetectionSettings
from tgewatch.testing.fetcher import ScriptedFetcher
from tgewatch.testing.reader import item

URL = "https://medium.example/feed/@team"
NOW = 1_780_000_000.0


async def plain(body, _url, _type):
    return body.decode()


def judged(title, *, company="", url="https://medium.example/p/1", age=60.0, baseline=False):
    """Return what a watch for Lumara makes of an item whose source speaks for `company`."""
    detector = Detector(
        (Company("Lumara Protocol", domains=("lumara.example",)),), DetectionSettings(mode="watch")
    )
    pipeline = Pipeline(detector, Articles(ScriptedFetcher([]), plain))
    found = item(title, source=URL, url=url, at=NOW - age)
    source = Source(URL, "team blog", company=company)
    return pipeline.judge(source, found, now=NOW, baseline=baseline)


def test_a_company_need_not_name_itself_in_its_own_feed():
    assert judged("Our token generation event is on 12 August", company="Lumara Protocol").verdict


def test_anybody_else_must_name_a_company_of_the_watchlist():
    found = judged("Our token generation event is on 12 August")

    assert (found.stage, found.verdict) == ("match", None)


UNSURE = "Lumara Protocol and the airdrop question"
SURE = "Lumara Protocol announces its token generation event"


def test_what_may_report_something_is_looked_into_when_it_is_news():
    assert judged(UNSURE).article == "wanted"
    assert judged(UNSURE, baseline=True).article == "not_needed"


def test_of_history_the_articles_of_events_are_read_unless_they_are_old():
    assert judged(SURE, baseline=True).article == "wanted"
    assert judged(SURE, baseline=True, age=HISTORY + 60.0).article == "not_needed"
    assert judged(SURE, age=HISTORY + 60.0).article == "wanted"
