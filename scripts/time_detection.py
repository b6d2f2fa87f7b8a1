"""Time the early filter and the whole verdict: `python scripts/time_detection.py [--companies N]`.

Invented headlines and posts, from the sheets that detection is fitted on, against an invented
watchlist. Prints microseconds of processor time a text, of the best of several rounds, once with
no words known yet and then as a program that runs knows them.
"""

import argparse
import cProfile
import pstats
import sys
from time import process_time

import labelled

from tgewatch.detect.detector import Detector
from tgewatch.model import Company
from tgewatch.settings.detecting import DetectionSettings

ROUNDS = 7


def watchlist(count: int) -> list[Company]:
    return [
        Company(
            name=f"{labelled.NAMES[n % len(labelled.NAMES)]}{n} Labs", aliases=(f"{labelled.NAMES[n % len(labelled.NAMES)]}{n}",),
            tickers=(f"TK{n}",), x_handle=f"handle{n}", domains=(f"project{n}.xyz",),
        )
        for n in range(count)
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--companies", type=int, default=500)
    parser.add_argument("--profile", action="store_true", help="show where the time goes")
    options = parser.parse_args()
    for kind in ("headlines", "posts"):
        detector = Detector(watchlist(options.companies), DetectionSettings(mode="discover"))
        rows = [r.item for r in labelled.invented(times=1, seed=3) if r.post is (kind == "posts")]
        found = [detector.scan(i) for i in rows]
        hits = [(i, m) for i, m in zip(rows, found, strict=True) if m]
        scans, verdicts = [], []
        for _ in range(ROUNDS):
            start = process_time()
            for item in rows:
                detector.scan(item)
            middle = process_time()
            for item, matches in hits:
                detector.judge(item, matches=matches)
            scans.append((middle - start) / len(rows))
            verdicts.append((process_time() - middle) / len(hits))
        sys.stdout.write(
            f"{kind}: {len(rows)} texts, {options.companies} companies:"
            f" scan {1e6 * min(scans):.1f} µs, judge {1e6 * min(verdicts):.0f} µs,"
            f" at first {1e6 * verdicts[0]:.0f} µs\n"
        )
        if options.profile:
            profile = cProfile.Profile()
            profile.enable()
            for item, matches in hits:
                detector.judge(item, matches=matches)
            profile.disable()
            pstats.Stats(profile, stream=sys.stdout).sort_stats("tottime").print_stats(18)


if __name__ == "__main__":
    main()
