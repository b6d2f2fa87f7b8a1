from tgewatch.detect.detector import Detector
from tgewatch.detect.explain import lines
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
