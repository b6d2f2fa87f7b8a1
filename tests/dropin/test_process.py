"""One of everything a process, begun anew by a fork, closed at its end."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from cache_manager import get_cache_manager
from performance_monitor import get_performance_monitor
from session_manager import get_session_manager
from tgewatch.dropin import process
from tgewatch.dropin.process import state_folder


def script(text, *, cwd, **environ):
    """Run a script as a pipeline would be, with every warning shown."""
    return subprocess.run(  # noqa: S603 - our own interpreter and words
        [sys.executable, "-W", "always", "-c", text],
        cwd=cwd,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_there_is_one_of_each():
    assert get_cache_manager() is get_cache_manager()
    assert get_session_manager() is get_session_manager()
    assert get_performance_monitor() is get_performance_monitor()


def test_threads_that_ask_at_once_get_the_same():
    found, gate = [], threading.Barrier(8)

    def ask():
        gate.wait()
        found.append(get_session_manager())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({id(one) for one in found}) == 1


def test_importing_makes_nothing(fresh):
    run = script(
        "import threading\n"
        "import cache_manager, session_manager, performance_monitor\n"
        "import performance_hooks, optimized_scraper_v2\n"
        "from tgewatch.dropin import process\n"
        "assert process._process is None and threading.active_count() == 1\n",
        cwd=fresh,
    )

    assert (run.returncode, run.stderr) == (0, "")
    assert list(fresh.iterdir()) == []


def test_state_is_kept_in_the_working_folder_unless_told_otherwise(fresh, monkeypatch):
    assert state_folder() == fresh / "state"

    monkeypatch.setenv("TGEWATCH_STATE", str(fresh / "elsewhere"))
    assert state_folder() == fresh / "elsewhere"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_fork_begins_anew_and_leaves_the_parent_alone(site, fresh):
    run = script(
        "import os, sys, warnings\n"
        "from cache_manager import get_cache_manager\n"
        "from session_manager import get_session_manager\n"
        "warnings.simplefilter('ignore', DeprecationWarning)\n"
        f"url = {site.url('/echo')!r}\n"
        "cache, sessions = get_cache_manager(), get_session_manager()\n"
        "cache.set('rss', 'k', 'parent')\n"
        "assert sessions.get(url).ok\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    good = cache.get('rss', 'k') is None and get_cache_manager() is not cache\n"
        "    good = good and sessions.get(url).ok and get_session_manager().get(url).ok\n"
        "    cache.set('rss', 'k', 'child')\n"
        "    sys.stdout.flush(); os._exit(0 if good else 1)\n"
        "_, status = os.waitpid(child, 0)\n"
        "assert os.waitstatus_to_exitcode(status) == 0\n"
        "assert cache.get('rss', 'k') == 'parent' and sessions.get(url).ok\n",
        cwd=fresh,
    )

    assert run.returncode == 0, run.stderr


def test_the_end_of_the_process_closes_everything_without_a_word(site, fresh):
    site.publish("/feed", "Lumara confirms airdrop and token generation event", "Lumara token.")
    run = script(
        "import optimized_scraper_v2 as o\n"
        f"scraper = o.PerformanceOptimizedNewsScraper(['Lumara'], ['airdrop'], [{site.url('/feed')!r}])\n"
        "print(len(scraper.fetch_all_articles(timeout=20)))\n",
        cwd=fresh,
    )

    assert (run.returncode, run.stdout, run.stderr) == (0, "1\n", "")


def test_ended_it_begins_anew():
    before = get_performance_monitor()

    process.end()

    assert get_performance_monitor() is not before


def test_an_end_that_fails_in_one_place_still_closes_the_rest():
    closed = []
    process.process().closing += [lambda: closed.append("first"), lambda: 1 / 0]

    process.end()

    assert closed == ["first"]


def test_settings_come_from_files_and_environment(fresh, monkeypatch):
    Path("tgewatch.toml").write_text("[fetch]\nkeep_alive = 3\n")
    monkeypatch.setenv("TGEWATCH_FETCH__DNS_TTL", "7")

    found = process.process().settings()

    assert (found.fetch.keep_alive, found.fetch.dns_ttl) == (3, 7)
    assert found.state == fresh / "state"
