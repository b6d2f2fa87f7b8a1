from tgewatch.detect.detector import Detector
from tgewatch.detect.explain import facts, lines
from tgewatch.model import Item
from tgewatch.settings.detecting import DetectionSettings


def test_the_heaviest_reasons_come_first_and_the_rest_is_summed_up():
    verdict = Detector((), DetectionSettings(mode="discover")).judge(
        Item(
            source="",
            key="",
            url="",
            title="Quarvo to launch QRV token on March 18",
            published=1.74e9,
        )
    )

    told = list(lines(verdict, limit=3))

    assert told[0].startswith("relevant: confidence ")
    assert any("project: Quarvo" in line for line in told)
    values = [float(line.split()[0]) for line in told if line.strip()[0] in "+-"]
    assert len(values) == 4
    assert abs(values[0]) >= abs(values[1]) >= abs(values[2])
    assert abs(sum(values) - verdict.score) < 0.01


def test_a_date_is_told_as_it_was_read_and_in_what_words():
    detector = Detector((), DetectionSettings(mode="discover"))

    def dated(title):
        item = Item(source="", key="", url="", title=title, published=1.74e9)  # 19 February 2025
        return facts(detector.judge(item))["date"]

    assert dated("Quarvo sets QRV token launch for March 18") == "18 March 2025 (day; “March 18”)"
    assert (
        dated("Quarvo sets QRV token launch for tomorrow") == "20 February 2025 (day; “tomorrow”)"
    )
    assert dated("Quarvo QRV token is live") == "19 February 2025 (day; the day of publication)"
