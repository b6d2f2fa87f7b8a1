"""Fit the weights of detection, or show how well they would do on text not seen.

    python scripts/fit_detection.py --corpus FILE.jsonl            writes detect/data/weights.json
    python scripts/fit_detection.py --corpus FILE.jsonl --folds    prints cross-validation instead

The corpus has the fields type, published, title, text and the labels. To it are added invented
headlines from `scripts/training`, at a smaller weight. Folds never hold one project on both
sides. Everything is seeded: the same files give the same weights.
"""

import argparse
import json
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import labelled
import logistic
import numpy as np
from labelled import Likeness, is_invented

from tgewatch.detect import lexicon
from tgewatch.detect.detector import Detector
from tgewatch.detect.evidence import Examiner
from tgewatch.detect.marking import Marked
from tgewatch.detect.score import Model
from tgewatch.detect.truth import Truth
from tgewatch.settings.detecting import DetectionSettings

WEIGHTS = Path(__file__).parents[1] / "src/tgewatch/detect/data/weights.json"
SEED, TIMES = 1, 2
PENALTY, KIND_PENALTY = 2.0, 1.0
SCALES = {
    "report": 0.3,
    "frame ": 0.5,
    "pair ": 0.3,
    "word ": 0.3,
    "summary ": 0.5,
    "says ": 1.5,
}
KIND_SCALES = {
    "pair ": 0.4,
    "word ": 0.25,
    "summary ": 0.5,
    "post ": 0.3,
    "says ": 3.0,
}
"""What is said of many texts is trusted before single words."""
FOR, AGAINST = 0.2, -0.4
"""Log-odds that a frame is expected to have, by its table, before any text is seen."""
UNSURE_WEIGHT, INVENTED_UNSURE = 0.3, 0.5
SHEET_WEIGHTS = {
    "news_desk": 0.1,
    "news_recap": 0.35,
    "news_delay": 0.35,
    "post": 0.5,
    "post_own": 0.25,
    "post_report": 0.25,
    "post_small": 0.25,
}
"""Weight of the texts of a sheet beside that of a labelled one; of other sheets below."""
SHEET_WEIGHT = 0.7
CALIBRATION_UNSURE = 0.3
"""Weight of an unsure label where confidence is calibrated."""
LEAST = 6
"""Texts that must hold a feature before it gets a weight."""
FOLDS, INNER = 8, 5
KINDS = (
    "tge_announced",
    "date_set",
    "live",
    "airdrop_claim",
    "token_sale",
    "listing",
    "postponed",
    "other",
)
SMALL = 0.02
"""Weights nearer to zero are left out of the file."""
HELD_OUT = 3
"""Of ten groups, this many are kept aside while features are chosen (`--part`)."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Labelled texts with their features."""

    rows: Sequence[Truth]
    names: Sequence[Sequence[str]]

    def pick(self, indices: Sequence[int]) -> "Sample":
        return Sample([self.rows[i] for i in indices], [self.names[i] for i in indices])

    def __add__(self, other: "Sample") -> "Sample":
        return Sample([*self.rows, *other.rows], [*self.names, *other.names])


def sample(rows: Sequence[Truth], examiner: Examiner) -> Sample:
    names = [list(examiner.examine(r.item).features) for r in rows]
    for row, found in zip(rows, names, strict=True):
        if is_invented(row):
            found.append(f"{logistic.ORIGIN} {'post' if row.post else 'entry'}")
    return Sample(rows, names)


def weight(row: Truth) -> float:
    if is_invented(row):
        sheet = row.id.rpartition("_")[0]
        return SHEET_WEIGHTS.get(sheet, SHEET_WEIGHT) * (1 if row.sure else INVENTED_UNSURE) / TIMES
    return 1.0 if row.sure else UNSURE_WEIGHT


@cache
def expected() -> Mapping[str, float]:
    """Return frame → the log-odds that its table lets expect."""
    tables = tomllib.loads(lexicon.data("frames.toml"))
    return {
        **{f"frame {name}": FOR for name in tables["frame"]},
        **{f"frame {name}": AGAINST for name in tables["against"]},
    }


def relevance(
    real: Sample, invented: Sample, likeness: Likeness
) -> tuple[Mapping[str, float], float]:
    """Return weights by feature and the bias, calibrated on text held out from the fit."""
    both = real + invented
    columns = logistic.Columns(both.names, least=LEAST, scales=SCALES)
    rows, count = columns.rows(both.names), len(real.rows)
    truth = np.array([float(r.relevant) for r in both.rows])
    weights = np.array([weight(r) for r in both.rows])
    prior = expected()
    offset = np.array([sum(prior.get(n, 0.0) for n in names) for names in both.names])
    theta, bias = logistic.fit(rows, truth, weights, penalty=PENALTY, offset=offset)
    scores = np.zeros(count)
    fold = _folds(real.rows, INNER, "inner")
    for number in range(INNER):
        held = np.flatnonzero(fold == number)
        some = weights.copy()
        some[held] = 0.0
        kept = likeness.kept(invented.rows, [real.rows[i] for i in held])
        some[count:][np.setdiff1d(np.arange(len(invented.rows)), kept)] = 0.0
        found = logistic.fit(
            rows, truth, some, penalty=PENALTY, offset=offset, start=np.append(theta, bias)
        )
        scores[held] = (rows.times(np.append(*found)) + offset)[held]
    post = np.array([float("post" in names) for names in real.names])
    sure = np.array([1.0 if r.sure else CALIBRATION_UNSURE for r in real.rows])
    (slope, shift), base = logistic.fit(
        _two_columns(scores, post), truth[:count], sure, penalty=0.5
    )
    learnt = dict(zip(columns.names, (float(x) for x in theta * columns.scales), strict=True))
    calibrated = {
        n: float(slope) * (learnt.get(n, 0.0) + prior.get(n, 0.0))
        for n in {**learnt, **prior}
        if logistic.ORIGIN not in n
    }
    calibrated["post"] = calibrated.get("post", 0.0) + float(shift)
    return calibrated, float(slope * bias + base)


def _two_columns(first: np.ndarray, second: np.ndarray) -> logistic.Rows:
    count = len(first)
    return logistic.Rows(
        columns=np.repeat([0, 1, 2], count),
        values=np.concatenate([first, second, np.ones(count)]),
        owners=np.tile(np.arange(count), 3),
        count=count,
        width=3,
    )


def kinds(real: Sample, invented: Sample) -> tuple[dict[str, dict[str, float]], dict[str, float]]:
    """Return feature → kind → weight, and the bias of each kind: one against the rest."""
    both = real + invented
    positive = both.pick([i for i, r in enumerate(both.rows) if r.relevant and r.kind])
    columns = logistic.Columns(positive.names, least=3, scales=KIND_SCALES)
    rows = columns.rows(positive.names)
    weights = np.array(
        [1 / TIMES if is_invented(r) else 1.0 if r.sure else 0.5 for r in positive.rows]
    )
    found: dict[str, dict[str, float]] = {}
    biases = {}
    for kind in KINDS:
        truth = np.array([float(r.kind == kind) for r in positive.rows])
        theta, biases[kind] = logistic.fit(rows, truth, weights, penalty=KIND_PENALTY)
        for name, value in zip(columns.names, theta * columns.scales, strict=True):
            if logistic.ORIGIN not in name and abs(value) >= SMALL:
                found.setdefault(name, {})[kind] = round(float(value), 4)
    return found, {k: round(v, 4) for k, v in biases.items()}


def model(real: Sample, invented: Sample, likeness: Likeness) -> Model:
    weights, bias = relevance(real, invented, likeness)
    by_feature, biases = kinds(real, invented)
    rounded = {n: round(w, 4) for n, w in sorted(weights.items()) if abs(w) >= SMALL}
    return Model(bias=round(bias, 4), weights=rounded, kind_bias=biases, kinds=by_feature)


def write(fitted: Model, path: Path) -> None:
    """Write a model as JSON with one feature a line, the heaviest first."""
    weights = dict(sorted(fitted.weights.items(), key=lambda w: (-abs(w[1]), w[0])))
    lines = [f"  {json.dumps(n)}: {json.dumps(w)}" for n, w in weights.items()]
    kind_lines = [f"  {json.dumps(n)}: {json.dumps(w)}" for n, w in sorted(fitted.kinds.items())]
    text = (
        '{\n"about": "Log-odds by feature, fitted by scripts/fit_detection.py; do not edit.",\n'
        f'"bias": {fitted.bias},\n"weights": {{\n' + ",\n".join(lines) + "\n},\n"
        f'"kind_bias": {json.dumps(fitted.kind_bias)},\n"kinds": {{\n'
        + ",\n".join(kind_lines)
        + "\n}\n}\n"
    )
    path.write_text(text, encoding="utf-8")


def _folds(rows: Sequence[Truth], count: int, salt: str) -> np.ndarray:
    return np.array([labelled.bucket(g, count, salt) for g in labelled.groups(rows)])


def cross_validated(
    real: Sample, invented: Sample, *, salt: str, share: float = 1.0
) -> list[Marked]:
    """Return what detectors say of texts of projects that they were not fitted on, in order."""
    names, likeness = labelled.groups(real.rows), Likeness(real.rows)
    fold = [labelled.bucket(g, FOLDS, salt) for g in names]
    said: dict[int, Marked] = {}
    for number in range(FOLDS):
        kept = [
            i for i, f in enumerate(fold)
            if f != number and labelled.bucket(names[i], 1000, f"{salt}share") < share * 1000
        ]  # fmt: skip
        held = [i for i, f in enumerate(fold) if f == number]
        rows = [real.rows[i] for i in held]
        fitted = model(real.pick(kept), invented.pick(likeness.kept(invented.rows, rows)), likeness)
        said.update(zip(held, judged_by(fitted, rows), strict=True))
    return [said[i] for i in range(len(real.rows))]


def judged_by(fitted: Model, rows: Sequence[Truth]) -> list[Marked]:
    """Return what a model says of each text, as the program would come to it."""
    detector = Detector((), DetectionSettings(mode="discover"), model=fitted)
    found = []
    for row in rows:
        matches = detector.scan(row.item)
        verdict = detector.judge(row.item, matches=matches) if matches else None
        found.append(Marked(row, verdict))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--folds", action="store_true", help="cross-validate, write nothing")
    parser.add_argument("--part", choices=("all", "seen", "aside"), default="all",
                        help="seen: the groups that features were chosen on; aside: the others,"
                        " judged by weights fitted on the seen ones")  # fmt: skip
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--curve", action="store_true", help="add the learning curve to --folds")
    parser.add_argument("--errors", type=int, default=0)
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    options = parser.parse_args()
    examiner = Examiner()
    rows = labelled.read(options.corpus)
    real = sample(rows, examiner)
    made = sample(list(labelled.invented(times=TIMES, seed=SEED)), examiner)
    if options.folds:
        import folds

        folds.show(real, made, options, sys.stdout)
        return
    fitted = model(real, made, Likeness(rows))
    write(fitted, options.out)
    sys.stdout.write(f"{len(fitted.weights)} weights from {len(rows)} labelled and {len(made.rows)}"
                     f" invented texts written to {options.out.name}\n")  # fmt: skip


if __name__ == "__main__":
    main()
