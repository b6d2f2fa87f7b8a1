import json
import subprocess
import sys
from pathlib import Path

LOOP = Path(__file__).parents[2] / "benchmarks" / "kill_loop.py"


def test_killed_at_random_times_it_loses_nothing():
    run = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, str(LOOP), "--runs", "5", "--outlets", "8", "--alone", "--json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )

    assert run.returncode == 0, run.stdout + run.stderr
    figures = json.loads(run.stdout)
    assert figures["runs"] == 5
    assert figures["items stored"] >= figures["entries ever shown"] > 100
    assert figures["received"] >= figures["messages"] > 0
