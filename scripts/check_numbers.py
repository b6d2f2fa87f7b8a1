"""Hold every number in the docs that came from the bench against the committed results.

    python scripts/check_numbers.py [benchmarks/results.json]           # exit code 1 where they differ
    python scripts/check_numbers.py [benchmarks/results.json] --write   # fill them in

A number stands between marks: `<!-- bench:NAME -->value<!-- /bench -->`, where NAME is a figure of
the results, or one of `machine.…`, `program.…`.
"""

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from tgewatch.bench.rows import shown
from tgewatch.bench.run import Results

ROOT = Path(__file__).resolve().parents[1]
MARK = re.compile(r"<!-- bench:([\w.]+) -->(.*?)<!-- /bench -->", re.DOTALL)

UNMEASURED = "not measured"
"""What stands for a figure that the committed run did not take."""


def texts(results: Results) -> dict[str, str]:
    """Return what stands between the marks of each name."""
    return {
        **{name: shown(value) for name, value in results.figures.items()},
        **{f"machine.{name}": value for name, value in results.machine.items()},
        **{f"program.{name}": value for name, value in results.program.items()},
    }


def pages(root: Path) -> Iterator[Path]:
    """Yield the pages that may hold such numbers."""
    yield root / "README.md"
    yield from sorted((root / "docs").rglob("*.md"))


def problems(text: str, known: dict[str, str], page: str) -> Iterator[str]:
    """Yield what is wrong on one page, each with its line."""
    for found in MARK.finditer(text):
        name, value = found.groups()
        line = text.count("\n", 0, found.start()) + 1
        if name not in known:
            if value != UNMEASURED:
                yield f"{page}:{line}: the results have no {name}"
        elif value != known[name]:
            yield f"{page}:{line}: {name} is {known[name]} and not {value}"
    if text.count("<!-- bench:") != len(MARK.findall(text)):
        yield f"{page}: a mark is not closed"


def filled(text: str, known: dict[str, str]) -> str:
    """Return the page with the numbers of the results; unknown names stay as they are."""

    def fill(found: re.Match[str]) -> str:
        name, value = found.groups()
        return f"<!-- bench:{name} -->{known.get(name, value)}<!-- /bench -->"

    return MARK.sub(fill, text)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "results", type=Path, nargs="?", default=ROOT / "benchmarks" / "results.json"
    )
    parser.add_argument("--write", action="store_true")
    chosen = parser.parse_args()
    known = texts(Results.load(chosen.results.read_bytes()))
    wrong: list[str] = []
    for page in pages(ROOT):
        text = page.read_text(encoding="utf-8")
        if chosen.write and (new := filled(text, known)) != text:
            page.write_text(new, encoding="utf-8")
            text = new
        wrong += problems(text, known, str(page.relative_to(ROOT)))
    for line in wrong:
        sys.stderr.write(line + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
