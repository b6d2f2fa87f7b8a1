"""The guide's snippets, which are the specification's, run as a user's script would."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

GUIDE = Path(__file__).parents[2] / "docs" / "PERFORMANCE_OPTIMIZATION.md"
SNIPPETS = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
BASIC, HOOKS, METRICS = SNIPPETS


def run(site, *parts):
    """Run a script that begins with the lists, as a user has them."""
    site.entries["/feed"] = [("Lumara confirms airdrop and TGE for LMR", "The token of Lumara.")]
    preamble = f"companies = ['Lumara']\nkeywords = ['TGE', 'airdrop']\nsources = [{site.url('/feed')!r}]\n"
    return subprocess.run(  # noqa: S603 - our own interpreter and docs
        [sys.executable, "-W", "error", "-c", "\n".join([preamble, *parts])],
        env=os.environ.copy(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_basic_usage(site, fresh):
    ended = run(site, BASIC, "print(len(articles), sorted(stats))")

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines()[-1] == (
        "1 ['cache_stats', 'component_stats', 'session_stats']"
    )
    assert "PERFORMANCE TARGETS VALIDATION" in ended.stdout
    written = {path.name for path in (fresh / "state").iterdir()}
    assert {"cache_persistence.json", "performance_metrics.json"} <= written


def test_with_hooks(site):
    made = (
        "from optimized_scraper_v2 import PerformanceOptimizedNewsScraper\n"
        "scraper = PerformanceOptimizedNewsScraper(companies, keywords, sources)\n"
    )
    ended = run(site, made, HOOKS, "print(result['success'], len(result['result']))")

    assert (ended.returncode, ended.stderr, ended.stdout) == (0, "", "True 1\n")


@pytest.mark.parametrize("before", ["", BASIC], ids=["alone", "after a cycle"])
def test_metrics(site, before):
    ended = run(site, before, METRICS)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert "'overall_hit_rate'" in ended.stdout
    assert "'connection_reuse_rate'" in ended.stdout
    assert "Cycle Time: " in ended.stdout


def test_all_of_them_one_after_the_other(site):
    ended = run(site, BASIC, HOOKS, METRICS)

    assert (ended.returncode, ended.stderr) == (0, "")


def test_the_suite_is_the_one_that_the_guide_tells_to_run():
    suite = GUIDE.parents[1] / "tests" / "test_performance_benchmarks.py"
    text = suite.read_text(encoding="utf-8")
    named = re.findall(r"test_performance_benchmarks\.py::(\w+)::(\w+)", GUIDE.read_text("utf-8"))

    assert len(named) == 2
    for case, name in named:
        assert f"class {case}:" in text
        assert f"def {name}(" in text
    sizes = {
        c: len(re.findall(r"\n    def test_", b))
        for c, b in re.findall(r"\nclass (\w+):(.*?)(?=\nclass |\Z)", text, re.DOTALL)
    }
    assert (sizes["TestCacheManager"], sizes["TestSessionManager"]) == (5, 3)
    assert (sizes["TestPerformanceMonitor"], sizes["TestIntegration"]) == (5, 1)
