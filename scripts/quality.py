"""Score detection on labelled files and refuse to fall below what it once reached.

    python scripts/quality.py [FILE.jsonl …] [--raise]

Without files: the labelled corpus beside the project when it is there, and the invented sets of the
tests always. Floors stand in `tests/quality/floors.json`, keyed by the SHA-256 of the file, so that
a floor holds for the very texts it was measured on; `--raise` writes higher ones and never lower.
Exit code 1 when a figure is below its floor, 2 when a file cannot be read.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from labelled import read

from tgewatch.detect.detector import Detector
from tgewatch.detect.marking import Marked, by_type
from tgewatch.errors import MalformedError
from tgewatch.settings.detecting import DetectionSettings

ROOT = Path(__file__).parents[1]
FLOORS = ROOT / "tests/quality/floors.json"
INVENTED = ROOT / "tests/quality/labelled.jsonl"
POSTS = ROOT / "tests/quality/posts.jsonl"
CORPUS = ROOT.parent / "shared/corpus/dev.jsonl"
FIGURES = ("precision", "recall", "f1", "kind_accuracy", "project_accuracy", "date_accuracy")
SLACK = 0.0005
"""Figures are rounded to four digits."""


def scored(path: Path) -> Mapping[str, float]:
    """Return figure → value, as `news sure f1`, for one labelled file."""
    detector = Detector((), DetectionSettings(mode="discover"))
    rows = []
    for truth in read(path):
        matches = detector.scan(truth.item)
        rows.append(Marked(truth, detector.judge(truth.item, matches=matches) if matches else None))
    found = {}
    for name, sets in by_type(rows).items():
        for labels, marks in sets.items():
            figures = marks.as_object()
            for figure in FIGURES:
                value = figures[figure]
                if not marks.n or value is None:
                    continue
                if figure.endswith("_accuracy"):
                    # of all positives: of those found alone it falls when hard ones are found too
                    value = float(value) * (marks.recall.value or 0.0)
                found[f"{name} {labels} {figure.replace('accuracy', 'found')}"] = float(value)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--raise", dest="higher", action="store_true", help="write higher floors")
    parser.add_argument("--floors", type=Path, default=FLOORS)
    options = parser.parse_args()
    files = options.files or [INVENTED, POSTS, *([CORPUS] if CORPUS.is_file() else [])]
    floors = json.loads(options.floors.read_text()) if options.floors.is_file() else {}
    below = 0
    for path in files:
        try:
            key = hashlib.sha256(path.read_bytes()).hexdigest()
            figures = scored(path)
        except (OSError, MalformedError, ValueError) as error:
            sys.stdout.write(f"{path.name}: cannot be read: {error}\n")
            return 2
        known = floors.get(key, {})
        for name, value in figures.items():
            floor = known.get(name)
            low = floor is not None and value < floor - SLACK
            below += low
            limit = f"floor {floor:.4f}" if floor is not None else "no floor"
            sys.stdout.write(
                f"{'FELL ' if low else '     '}{path.name} {name} {value:.4f} ({limit})\n"
            )
        if options.higher:
            raised = {n: max(v, known.get(n, 0.0)) for n, v in figures.items()}
            floors[key] = {**known, **raised}
    if options.higher:
        options.floors.write_text(json.dumps(floors, indent=1, sort_keys=True) + "\n")
    sys.stdout.write(f"{below} figures below their floor\n" if below else "all figures hold\n")
    return 1 if below else 0


if __name__ == "__main__":
    sys.exit(main())
