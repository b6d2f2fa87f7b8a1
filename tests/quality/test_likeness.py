from pathlib import Path

import pytest

from tgewatch.detect.truth import truth_of

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture
def labelled(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import labelled  # noqa: PLC0415 - a script, importable only from its folder

    return labelled


def title(text, key):
    row = {"id": key, "type": "news", "published": "2025-05-06T09:00:00Z", "title": text}
    return truth_of({**row, "tge_relevant": 1})


def test_invented_lines_that_echo_a_held_out_title_are_left_out_of_its_fold(labelled):
    echo = title("Sorvia circles June 3 for its TGE", "echo")
    far = title("Central bank raises interest rates by half a point again", "far")
    made = list(labelled.invented(times=1, seed=1))
    likeness = labelled.Likeness([echo, far])

    without = [made[i].item.title for i in likeness.kept(made, [echo])]

    assert 0 < len(made) - len(without) < len(made) // 2
    assert any("circles" in r.item.title for r in made)
    assert not any("circles" in t for t in without)


def test_lines_that_echo_nothing_held_out_stay(labelled):
    echo = title("Sorvia circles June 3 for its TGE", "echo")
    far = title("Central bank raises interest rates by half a point again", "far")
    made = list(labelled.invented(times=1, seed=1))

    kept = labelled.Likeness([echo, far]).kept(made, [far])

    assert any("circles" in made[i].item.title for i in kept)
