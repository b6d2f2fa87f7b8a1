"""Charts are XML that shows what it was given."""

import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from tgewatch.bench.charts import WIDTH, bars, charts, curves

SVG = "{http://www.w3.org/2000/svg}"


def texts(drawing):
    return [node.text for node in ET.fromstring(drawing).iter(f"{SVG}text")]  # noqa: S314 - ours


def test_the_longest_bar_belongs_to_the_largest_value():
    drawing = bars("Title", "s", [("we", 2.0), ("others & <all>", 8.0)])
    wide = [
        float(node.get("width"))
        for node in ET.fromstring(drawing).iter(f"{SVG}rect")  # noqa: S314 - ours
    ]

    assert wide[1] == 4 * wide[0]
    assert texts(drawing) == ["Title", "we", "2 s", "others & <all>", "8 s"]


@given(st.lists(st.tuples(st.floats(1, 1e6), st.floats(0, 1e6, allow_subnormal=False)), max_size=5))
def test_every_curve_stays_inside_of_its_drawing(points):
    drawing = curves("Growth", "feeds", {"one": points, "two": points})

    for node in ET.fromstring(drawing).iter(f"{SVG}circle"):  # noqa: S314 - ours
        assert 0 <= float(node.get("cx")) <= WIDTH
        assert 0 <= float(node.get("cy")) <= 380


def test_what_was_not_measured_has_no_bar():
    sizes = (60,)
    named = ("first.seconds", "steady.seconds", "steady.bare.seconds", "first.cpu_seconds",
             "steady.cpu_seconds", "steady.bare.cpu_seconds")  # fmt: skip
    figures = {f"size.60.{name}": 1.0 for name in named} | {"cycle.ours.seconds": 8.0}
    drawn = charts(figures, sizes)

    assert "tgewatch, steady" in texts(drawn["bench-cycle.svg"])
    assert "naive, fetches everything" not in texts(drawn["bench-cycle.svg"])
