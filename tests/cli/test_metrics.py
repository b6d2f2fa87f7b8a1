"""What was measured, as the commands show it, of scans and of a watch that runs."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tgewatch.cli.top import sparkline

FEED = (
    b'<?xml version="1.0"?><rss version="2.0"><channel><title>t</title><item>'
    b"<title>Bank opens branch in another town</title>"
    b"<link>http://x.example/1</link></item></channel></rss>"
)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        known = self.headers.get("If-None-Match") == '"1"'
        self.send_response(304 if known else 200)
        self.send_header("ETag", '"1"')
        self.send_header("Content-Type", "application/rss+xml")
        self.send_header("Content-Length", "0" if known else str(len(FEED)))
        self.end_headers()
        if not known:
            self.wfile.write(FEED)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def feed():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/feed"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def watched(shell, feed):
    shell.write(
        f"""
[fetch]
allow_private = true
[detection]
mode = "discover"
[[source]]
url = "{feed}"
name = "feed"
"""
    )
    return shell


def test_before_anything_was_measured_it_says_so(watched):
    ended = watched.run("metrics")

    assert ended.code == 3
    assert "nothing was measured yet" in ended.err
    assert watched.run("metrics", "baseline").code == 3
    assert watched.run("top").out.startswith("nothing measured yet | ")


def test_scans_are_held_against_targets(watched):
    for _ in range(3):
        assert watched.run("scan", "--all", "-q").code == 0

    shown = watched.run("metrics")
    assert shown.code == 0
    assert "PERFORMANCE TARGETS VALIDATION" in shown.out
    assert re.search(r"^Cycle Time: \d\.\d\ds \(target: <60s\) - ✓ PASS$", shown.out, re.MULTILINE)
    assert "API Reduction: not measured" in shown.out
    assert "\nrss.fetch\t1\t0\t" in shown.out

    found = watched.run("metrics", "--json").json
    assert found["finished"] == len(found["cycles"]) == 3
    assert [cycle["counts"]["api_calls"] for cycle in found["cycles"]] == [1, 1, 1]
    assert found["measures"]["cache_hit_rate"] == pytest.approx(100 * 2 / 3)
    assert found["counts"]["polls"] == 1


def test_a_baseline_is_kept_until_it_is_captured_anew(watched):
    watched.run("scan", "--all", "-q")
    assert "of 1 cycles" in watched.run("metrics", "baseline").err
    watched.run("scan", "--all", "-q")
    watched.run("scan", "--all", "-q")

    found = watched.run("metrics", "--json").json
    assert found["baseline"]["cycles"] == 1
    assert found["measures"]["call_reduction"] == 0
    assert "0.0 % fewer requests" in watched.run("metrics").out
    assert "of 2 cycles" in watched.run("metrics", "baseline", "--last", "2").err
    watched.run("metrics", "baseline", "--clear")
    assert watched.run("metrics", "--json").json["measures"]["call_reduction"] is None


def test_a_missed_target_is_an_exit_code_for_who_asks(watched):
    watched.run("scan", "--all", "-q")
    watched.write(watched.read() + "\n[metrics.targets]\ncycle_seconds = 0.0001\n")

    assert watched.run("metrics").code == 0
    assert watched.run("metrics", "--check").code == 1


def test_top_in_a_pipe_is_a_line(watched):
    watched.run("scan", "--all", "-q")

    ended = watched.run("top", "--count", "2", "--every", "0.2")

    first, second = ended.out.splitlines()
    assert ended.code == 0
    assert first.startswith("not running; last cycle ")
    assert "requests 1" in first
    assert "sources: 1 ok" in second


def test_switched_off_nothing_is_measured(watched):
    watched.write(watched.read() + "\n[metrics]\nenabled = false\n")

    assert watched.run("scan", "--all", "-q").code == 0
    assert watched.run("metrics").code == 3


@pytest.mark.parametrize(
    ("values", "shown"),
    [([], ""), ([0, 0], "▁▁"), ([1, 2, 4, 8], "▁▂▄█"), ([3], "█")],
    ids=["none", "zero", "growing", "one"],
)
def test_bars_are_as_high_as_their_values(values, shown):
    assert sparkline(values) == shown


@pytest.fixture
def running(watched):
    """`tgewatch run` in a process of its own, with an address for Prometheus."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tgewatch", "run", "--metrics", "0"],
        cwd=watched.folder, env=os.environ.copy(), stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    said = []
    reader = threading.Thread(target=lambda: said.extend(process.stderr))
    reader.start()
    yield process, said
    if process.poll() is None:
        process.kill()
    process.wait(10)
    reader.join(10)
    process.stderr.close()


def until(what, seconds=30.0):
    """Return what `what` returns as soon as it is true."""
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline
        threading.Event().wait(0.05)
    return found


def test_a_watch_that_runs_can_be_looked_at_adjusted_and_stopped(watched, running):
    process, said = running
    line = until(lambda: next((one for one in said if "metrics on " in one), None))
    url = line.split()[-1]

    def polled():
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - loopback
            return 'tgewatch_events_total{what="polls"} 1.0' in answer.read().decode()

    until(polled)
    path = watched.folder / "state" / "performance_metrics.json"
    until(path.exists)
    assert json.loads(path.read_bytes())["running"] is True
    assert f"as pid {process.pid} | " in watched.run("top").out

    watched.write(watched.read() + "\n[metrics]\nhistory = 0\n")
    process.send_signal(signal.SIGHUP)
    until(lambda: any("history" in one for one in said))
    watched.write(watched.read().replace("history = 0", "history = 7"))
    process.send_signal(signal.SIGHUP)
    until(lambda: any("read anew" in one for one in said))

    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    written = json.loads(path.read_bytes())
    assert written["running"] is False
    assert written["cycles"][-1]["kind"] == "minute"
    assert written["cycles"][-1]["counts"]["api_calls"] == 1
