"""What cross-validation shows of detection: figures with intervals, errors, curve, calibration."""

import argparse
import random
from collections.abc import Callable, Sequence
from math import sqrt
from statistics import fmean, stdev
from typing import TextIO

import labelled
from fit_detection import HELD_OUT, Sample, cross_validated, judged_by, model

from tgewatch.detect.marking import (
    Marked,
    Share,
    by_type,
    date_right,
    kind_right,
    marks,
    project_right,
)

DRAWS = 1000


def show(real: Sample, made: Sample, options: argparse.Namespace, out: TextIO) -> None:
    """Print the figures for the part of the corpus that was asked for."""
    names = labelled.groups(real.rows)
    aside = [labelled.bucket(n, 10, "outer") >= 10 - HELD_OUT for n in names]
    seen = real.pick([i for i, a in enumerate(aside) if not a])
    if options.part == "aside":
        kept = real.pick([i for i, a in enumerate(aside) if a])
        likeness = labelled.Likeness(real.rows)
        others = made.pick(likeness.kept(made.rows, kept.rows))
        runs = [judged_by(model(seen, others, likeness), kept.rows)]
    else:
        part = seen if options.part == "seen" else real
        runs = [cross_validated(part, made, salt=f"folds{n}") for n in range(options.repeats)]
    for number, run in enumerate(runs):
        out.write(f"{'run ' + str(number + 1) if len(runs) > 1 else options.part}\n")
        _figures(run, out)
    if len(runs) > 1:
        _means(runs, out)
    _calibration(runs[0], out)
    if options.curve and options.part != "aside":
        _curve(seen if options.part == "seen" else real, made, out)
    _errors(runs[0], options.errors, out)


def _figures(run: Sequence[Marked], out: TextIO) -> None:
    for name, sets in by_type(run).items():
        for subset, found in sets.items():
            rows = [
                r
                for r in run
                if r.truth.post is (name == "tweet") and (subset == "all" or r.truth.sure)
            ]
            low, high = interval(rows, lambda some: marks(some).f1)
            out.write(
                f"  {name:5} {subset:4} n={found.n} +{found.recall.of}  F1 {found.f1:.3f} [{low:.3f}, {high:.3f}]"
                f"  P {_share(found.precision)}  R {_share(found.recall)}\n"
                f"             kind {_share(found.kind)} (merged {_share(found.kind_merged)})"
                f"  project {_share(found.project)}  ticker {_share(found.ticker)}"
                f"  date {_share(found.date)}  calibration error {found.calibration_error:.3f}\n"
            )


def _means(runs: Sequence[Sequence[Marked]], out: TextIO) -> None:
    """Print the mean of each figure over the runs and its standard error.

    The runs differ in which projects share a fold, not in the texts: the error says how far chance in
    folding moves the mean, not how far other texts would. Runs of two programs have the same folds.
    """
    out.write(f"mean of {len(runs)} runs, with its standard error\n")
    for name, subset in (("news", "sure"), ("news", "all"), ("tweet", "sure"), ("tweet", "all")):
        found = [by_type(run)[name][subset] for run in runs]
        figures = {
            "F1": [m.f1 for m in found],
            "P": [m.precision.value for m in found],
            "R": [m.recall.value for m in found],
            "kind": [m.kind.value for m in found],
            "project": [m.project.value for m in found],
            "date": [m.date.value for m in found],
            "calibration error": [m.calibration_error for m in found],
        }
        told = [
            f"{key} {_mean([v for v in values if v is not None])}"
            for key, values in figures.items()
        ]
        out.write(f"  {name:5} {subset:4} {'  '.join(told)}\n")


def _mean(values: Sequence[float]) -> str:
    if not values:
        return "-"
    error = stdev(values) / sqrt(len(values)) if len(values) > 1 else 0.0
    return f"{fmean(values):.3f} ±{error:.3f}"


def _share(share: Share) -> str:
    if share.value is None:
        return "-"
    low, high = share.interval()
    return f"{share.value:.3f} [{low:.2f}, {high:.2f}] of {share.of}"


def interval(
    rows: Sequence[Marked], figure: Callable[[Sequence[Marked]], float]
) -> tuple[float, float]:
    """Return the bootstrap's interval at 95 % for a figure of `rows`."""
    chance = random.Random(7)
    draws = (
        sorted(figure(chance.choices(rows, k=len(rows))) for _ in range(DRAWS // 5))
        if rows
        else [0.0]
    )
    return draws[int(0.025 * len(draws))], draws[int(0.975 * len(draws)) - 1]


def _calibration(run: Sequence[Marked], out: TextIO) -> None:
    out.write("calibration (all labels): confidence, share that is relevant, texts\n")
    for low in range(10):
        held = [r for r in run if min(9, int(r.confidence * 10)) == low]
        if held:
            said = sum(r.confidence for r in held) / len(held)
            true = sum(r.truth.relevant for r in held) / len(held)
            out.write(
                f"  {low / 10:.1f}-{(low + 1) / 10:.1f}  said {said:.2f}  true {true:.2f}  of {len(held)}\n"
            )


def _curve(real: Sample, made: Sample, out: TextIO) -> None:
    out.write("learning curve: share of the labelled text, F1 on sure news\n")
    out.flush()
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        run = cross_validated(real, made, salt="folds0", share=share)
        out.write(f"  {share:.2f}  {by_type(run)['news']['sure'].f1:.3f}\n")


def _errors(run: Sequence[Marked], count: int, out: TextIO) -> None:
    wrong = [r for r in run if r.truth.sure and r.found is not r.truth.relevant]
    wrong.sort(key=lambda r: -abs(r.confidence - r.truth.relevant))
    for row in wrong[:count]:
        label = row.truth.kind if row.truth.relevant else "not relevant"
        out.write(
            f"  {row.confidence:.2f} {label} | {' '.join(row.truth.item.title.split())[:140]}\n"
        )
    if not count:
        return
    for row in run:
        if row.found and row.truth.relevant and row.truth.sure and row.verdict:
            said = row.verdict
            notes = []
            if not kind_right(row):
                notes.append(f"kind {row.truth.kind} said {said.kind}")
            if not project_right(row):
                notes.append(
                    f"project {row.truth.project}/{row.truth.ticker} said {said.project}/{said.ticker}"
                )
            if row.truth.date and not date_right(row):
                notes.append(f"date {row.truth.date} said {said.date.text if said.date else None}")
            if notes:
                out.write(
                    f"  {'; '.join(notes)} | {' '.join(row.truth.item.title.split())[:120]}\n"
                )
