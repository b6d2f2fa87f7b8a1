"""Opening a store: made, migrated, locked, refused."""

import asyncio
import os
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
import sqlalchemy as sa

from tgewatch.errors import ConfigError, RefusedError, StoreBusyError, TransientError
from tgewatch.model import Label
from tgewatch.settings import StoreSettings
from tgewatch.store import Access, lock, migrations, upkeep
from tgewatch.testing.polls import FEED, NOW, claimed, dropped, poll

BEFORE = migrations.HEAD
"""The revision of a store before the migration that a test adds."""


def run(home, story=None, **ways):
    async def whole():
        async with home.open(**ways) as store:
            return await story(store) if story else None

    return asyncio.run(whole())


def set_revision(path, revision):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
        connection.commit()


# Made


def test_a_store_is_made_with_its_folder(unmade):
    run(unmade)

    assert unmade.path.exists()
    with closing(sqlite3.connect(unmade.path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_an_absolute_path_is_taken_as_it_is(unmade, tmp_path):
    unmade.settings = StoreSettings(path=tmp_path / "elsewhere" / "here.db")
    unmade.root = tmp_path / "nowhere"

    run(unmade)

    assert (tmp_path / "elsewhere" / "here.db").exists()


def test_connections_are_set_up_as_documented(sqlite):
    async def story(store):
        with store.database.writer.connect() as writer, store.database.reader.connect() as reader:
            for connection in (writer, reader):
                assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
                assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 1
                assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 30_000
            with pytest.raises(sa.exc.OperationalError, match="readonly"):
                reader.exec_driver_sql("DELETE FROM sources")

    run(sqlite, story)


# Locked


def test_a_second_instance_is_refused_and_told_who_holds_the_store(sql):
    async def story(_store):
        with pytest.raises(StoreBusyError, match=rf"in use by tgewatch pid {os.getpid()} on \S+"):
            async with sql.open():
                pass

    run(sql, story)
    run(sql)


def test_the_store_is_free_again_when_its_holder_dies(sqlite):
    hold = (
        "import fcntl, os, sys, time\n"
        "file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)\n"
        "fcntl.flock(file, fcntl.LOCK_EX)\n"
        "print('held', flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", hold, f"{sqlite.path}.lock"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(StoreBusyError, match="another instance"):
            run(sqlite)
        holder.kill()

    run(sqlite)


def test_others_read_and_amend_while_an_instance_holds_the_store(sql):
    async def story(owner):
        await owner.commit_poll(poll(claimed("a", "Foo")))
        async with sql.open(Access.READ) as reader:
            assert [event.project for event in await reader.events()] == ["Foo"]
            assert FEED in await reader.all_states()
        async with sql.open(Access.AMEND) as other:
            await other.label(Label(relevant=True, url="https://news.example/a"))
            for one in await other.pending(NOW, limit=10):
                await other.buried(one.key, attempts=1, error="no")
        assert len(await owner.labels()) == 1
        assert len(await owner.dead_letters()) == 2
        assert (await owner.commit_poll(poll(dropped("b")))).new == 1

    run(sql, story)


def test_a_reader_cannot_write(sqlite):
    async def story(reader):
        with pytest.raises(RefusedError, match="open for reading only"):
            await reader.commit_poll(poll(dropped("a")))

    run(sqlite, story, access=Access.READ)


def test_a_store_that_is_not_there_reads_as_empty_and_is_not_made(unmade):
    async def story(reader):
        assert await reader.events() == []
        assert await reader.why("https://news.example/a") == []
        assert await reader.all_states() == {}

    run(unmade, story, access=Access.READ)

    assert not unmade.path.parent.exists()


# Migrated


def test_a_new_store_has_the_tables_that_the_migrations_make(sql):
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415 - as the store does it
    from alembic.migration import MigrationContext  # noqa: PLC0415

    from tgewatch.store.schema import METADATA  # noqa: PLC0415

    def differences(connection):
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return compare_metadata(context, METADATA)

    async def story(store):
        with store.database.writer.begin() as connection:
            assert differences(connection) == []
            made = tables(connection)
            METADATA.drop_all(connection)
            connection.exec_driver_sql("DROP TABLE alembic_version")
            assert differences(connection) != []
            migrations.upgrade(connection)
            assert differences(connection) == []
            assert tables(connection) == made
            connection.rollback()

    run(sql, story)


def tables(connection):
    """Return columns, keys, constraints and indexes of all tables in words, and the revision."""
    found = sa.inspect(connection)
    looks = (
        found.get_columns,
        found.get_pk_constraint,
        found.get_foreign_keys,
        found.get_unique_constraints,
        found.get_indexes,
    )
    described = {name: [said(look(name)) for look in looks] for name in found.get_table_names()}
    return described, migrations.revision(connection)


def said(found):
    """Return what an inspector found as words that can be compared."""
    if isinstance(found, dict):
        return {name: said(value) for name, value in found.items()}
    return sorted(str(said(one)) for one in found) if isinstance(found, list) else str(found)


def test_the_listed_revisions_are_the_migrations_in_order():
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(migrations.FOLDER))
    config.set_main_option("path_separator", "os")
    found = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]

    assert tuple(reversed(found)) == migrations.REVISIONS


@pytest.mark.parametrize("revision", migrations.REVISIONS)
def test_a_store_of_any_older_revision_is_brought_up_to_date(unmade, revision):
    unmade.path.parent.mkdir()
    engine = sa.create_engine(f"sqlite:///{unmade.path}")
    with engine.begin() as connection:
        migrations.upgrade(connection, to=revision)
    engine.dispose()

    run(unmade, lambda store: store.commit_poll(poll(claimed("a", "Foo"))))

    with closing(sqlite3.connect(unmade.path)) as connection:
        found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    assert found == (migrations.HEAD,)


def test_claims_of_the_first_revision_lose_their_place_and_nothing_else(sqlite):
    run(sqlite, lambda store: store.commit_poll(poll(claimed("a", "Foo"), claimed("b", "Bar"))))
    with closing(sqlite3.connect(sqlite.path)) as connection:
        connection.executescript(
            "DROP INDEX ix_claims_event_id;"
            "ALTER TABLE claims ADD COLUMN position INTEGER NOT NULL DEFAULT 3;"
            "CREATE INDEX ix_claims_event_id_position ON claims (event_id, position);"
        )
    set_revision(sqlite.path, "0001")

    async def story(store):
        await store.commit_poll(poll(claimed("c", "Baz")))
        return [(event.project, len(event.claims)) for event in await store.events()]

    assert sorted(run(sqlite, story)) == [("Bar", 1), ("Baz", 1), ("Foo", 1)]


def test_a_store_of_a_newer_program_is_refused_and_left_alone(sqlite):
    set_revision(sqlite.path, "9999")
    before = sqlite.path.read_bytes()

    for access in set(Access) - {Access.SHARE}:  # of a file there is nothing to share
        with pytest.raises(
            ConfigError, match=r"newer tgewatch \(revision 9999\): update"
        ) as caught:
            run(sqlite, access=access)
        assert len(caught.value.problems) == 1

    assert sqlite.path.read_bytes() == before


@pytest.fixture
def older(sqlite, monkeypatch):
    """Yield a store whose revision, BEFORE, precedes that of the program by one, which adds a table."""
    run(sqlite, lambda store: store.commit_poll(poll(claimed("a", "Foo"))))

    def upgrade(connection, to="next"):
        connection.exec_driver_sql("CREATE TABLE next_year (id INTEGER)")
        connection.execute(sa.text("UPDATE alembic_version SET version_num = :to"), {"to": to})

    monkeypatch.setattr(migrations, "REVISIONS", (*migrations.REVISIONS, "next"))
    monkeypatch.setattr(migrations, "HEAD", "next")
    monkeypatch.setattr(migrations, "upgrade", upgrade)
    return sqlite


def test_a_copy_is_made_before_a_migration(older):
    run(older)

    (copy,) = older.path.parent.glob("*.backup")
    assert copy.name == f"tgewatch.db.20231114T221320Z.{BEFORE}.backup"
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (BEFORE,)
        assert connection.execute("SELECT project FROM events").fetchall() == [("Foo",)]
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_only_the_last_copies_are_kept_and_none_is_made_without_need(older):
    for day in range(5):
        older.clock.advance(86_400.0)
        set_revision(older.path, BEFORE)
        with closing(sqlite3.connect(older.path)) as connection:
            connection.execute("DROP TABLE IF EXISTS next_year")
        run(older)
        run(older)
        assert len(list(older.path.parent.glob("*.backup"))) == min(day + 1, 3)

    names = sorted(copy.name for copy in older.path.parent.glob("*.backup"))
    assert names[0].startswith("tgewatch.db.20231117")


def test_a_migration_that_fails_changes_nothing(older, monkeypatch):
    def failing(connection, **_):
        connection.exec_driver_sql("CREATE TABLE half_done (id INTEGER)")
        connection.exec_driver_sql("CREATE TABLE events (id INTEGER)")

    monkeypatch.setattr(migrations, "upgrade", failing)

    with pytest.raises(ConfigError, match="already exists"):
        run(older)

    with closing(sqlite3.connect(older.path)) as connection:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
        assert "half_done" not in tables
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (BEFORE,)


def test_asking_an_older_store_brings_it_up_to_date_unless_it_is_in_use(older):
    with lock.file_lock(older.path), pytest.raises(StoreBusyError):
        run(older, access=Access.READ)

    run(older, access=Access.READ)

    assert len(list(older.path.parent.glob("*.backup"))) == 1


# Refused


def test_a_damaged_file_is_refused_with_advice_and_left_alone(sqlite):
    content = sqlite.path.read_bytes()
    sqlite.path.write_bytes(b"not a database at all" * 500)
    before = sqlite.path.read_bytes()

    with pytest.raises(ConfigError, match=r"tgewatch\.db is damaged .*backup") as caught:
        run(sqlite)
    assert len(caught.value.problems) == 1
    assert sqlite.path.read_bytes() == before

    sqlite.path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    with pytest.raises(ConfigError, match="is damaged"):
        run(sqlite, lambda store: store.commit_poll(poll(dropped("a"))))


def test_a_database_of_another_program_is_refused(unmade):
    unmade.path.parent.mkdir()
    with closing(sqlite3.connect(unmade.path)) as connection:
        connection.execute("CREATE TABLE recipes (id INTEGER)")

    with pytest.raises(ConfigError, match="another program"):
        run(unmade)


def test_a_folder_in_the_place_of_the_file_is_refused(unmade):
    unmade.path.mkdir(parents=True)

    with pytest.raises(ConfigError, match="is a folder"):
        run(unmade)


def test_a_file_in_the_place_of_the_folder_is_refused(unmade):
    unmade.path.parent.write_text("")

    with pytest.raises(ConfigError, match=r"cannot be made: (File exists|Not a directory)"):
        run(unmade)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("mysql://localhost/x", "mysql is not postgresql"),
        ("not a url", "not a database URL"),
        ("postgresql://localhost:99999999/x", "Could not parse|invalid port|not a database URL"),
        ("postgresql:///x?host=/nowhere/at/all", "database"),
    ],
)
def test_a_database_that_cannot_be_reached_is_one_clear_problem(unmade, url, problem):
    unmade.settings = StoreSettings(database_url=url)

    with pytest.raises(ConfigError, match=problem) as caught:
        run(unmade)
    assert len(caught.value.problems) == 1
    assert "\n" not in caught.value.problems[0]


def test_a_password_in_the_url_is_not_in_the_message(unmade):
    unmade.settings = StoreSettings(
        database_url="postgresql://me:swordfish@/x?host=/nowhere/at/all"
    )

    with pytest.raises(ConfigError) as caught:
        run(unmade)
    assert "swordfish" not in str(caught.value)


AS_NOBODY = """
import asyncio, os, sys
from pathlib import Path
from tgewatch.errors import ConfigError, RefusedError, TransientError
from tgewatch.settings import StoreSettings
from tgewatch.store import Access, open_store
from tgewatch.testing import ManualClock
from tgewatch.testing.polls import simple_merge, simple_route, poll, dropped

async def main():
    try:
        async with open_store(
            StoreSettings(), root=Path(sys.argv[1]), clock=ManualClock(),
            merge=simple_merge, route=simple_route, access=Access(sys.argv[2]),
        ) as store:
            print("opened", len(await store.all_states()))
    except ConfigError as error:
        print("refused", *error.problems)

if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
asyncio.run(main())
"""


def as_nobody(home, access):
    return subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", AS_NOBODY, str(home.root), access],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_read_only_store_is_refused_in_one_line(sqlite, what):
    run(sqlite, lambda store: store.commit_poll(poll(dropped("a"))))
    for parent in [sqlite.path.parent, *sqlite.path.parents]:
        if parent.stat().st_uid == os.geteuid() and str(parent).startswith(("/tmp/", "/var")):  # noqa: S108
            parent.chmod(0o755)
    sqlite.path.chmod(0o444)
    if what == "file":
        sqlite.path.parent.chmod(0o777)
        (sqlite.path.parent / "tgewatch.db.lock").chmod(0o666)

    said = as_nobody(sqlite, Access.OWN)

    assert said.startswith("refused")
    assert "read-only" in said or "Permission denied" in said
    assert said.count("\n") == 1


# Full


def test_a_full_disk_is_one_error_and_nothing_is_half_written(sqlite):
    async def story(store):
        await store.commit_poll(poll(dropped("a")))
        with store.database.writer.connect() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 2}")
        big = [dropped(f"b{n}", title="x" * 5_000) for n in range(50)]

        with pytest.raises(TransientError, match="the disk is full; nothing was stored") as caught:
            await store.commit_poll(poll(*big, polls=2))

        assert caught.value.cause == "disk_full"
        assert (await store.all_states())[FEED].polls == 1
        assert await store.drops(0) == {("match", "no_term"): 1}
        with store.database.writer.connect() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
        assert (await store.commit_poll(poll(*big, polls=2))).new == 50

    run(sqlite, story)


def test_a_closed_store_takes_no_more_work(sqlite):
    async def story():
        async with sqlite.open() as store:
            pass
        with pytest.raises(TransientError, match="closed"):
            await store.commit_poll(poll())

    asyncio.run(story())


# Upkeep


def test_a_store_in_use_is_copied_whole(sqlite, tmp_path):
    async def story(store):
        await store.commit_poll(poll(claimed("a", "Foo")))
        await store.backup(tmp_path / "copy.db")

    run(sqlite, story)
    sqlite.settings = StoreSettings(path=tmp_path / "copy.db")

    async def compare(store):
        assert [event.project for event in await store.events()] == ["Foo"]
        assert await store.check() == []

    run(sqlite, compare)
    assert not list(tmp_path.glob("*.part"))


def test_a_copy_to_nowhere_is_refused(sql, tmp_path):
    async def story(store):
        with pytest.raises(ConfigError):
            await store.backup(tmp_path / "none" / "copy.db")

    run(sql, story)


def test_vacuum_gives_space_back_and_loses_nothing(sql):
    async def story(store):
        await store.commit_poll(poll(*(dropped(f"a{n}", title="x" * 2_000) for n in range(500))))
        await store.commit_poll(poll(claimed("b", "Foo"), at=NOW + 1))
        assert await store.forget(NOW + 91 * 86_400) == 500
        before = sql.path.stat().st_size if sql.path.exists() else 0

        await asyncio.gather(store.vacuum(), store.commit_poll(poll(dropped("c"), at=NOW + 2)))

        if before:
            assert sql.path.stat().st_size < before / 2
        assert await store.totals() == {
            "sources": 1,
            "items": 2,
            "claims": 1,
            "events": 1,
            "transitions": 1,
        }

    run(sql, story)


def test_check_finds_what_points_to_nothing(sqlite):
    async def story(store):
        await store.commit_poll(poll(dropped("a")))
        assert await store.check() == []
        with closing(sqlite3.connect(sqlite.path)) as connection:
            connection.execute("DELETE FROM sources")
            connection.commit()

        found = await store.check()
        assert any("points to nothing in sources" in one for one in found)

    run(sqlite, story)


def test_keys_are_dropped_only_when_their_source_has_long_shown_other_things(sqlite):
    day = 86_400.0

    async def keys(store):
        with store.database.reader.connect() as connection:
            return connection.scalar(sa.text("SELECT count(*) FROM seen"))

    async def shown(store, names, at):
        sqlite.clock.advance(at - sqlite.clock.now())
        judged = [dropped(name) for name in names]
        unseen = await store.unseen([one.item for one in judged])
        await store.commit_poll(
            poll(*(one for one in judged if one.item.key in unseen), at=at, outcome="changed")
        )
        return set(unseen.values())

    async def story(store):
        await shown(store, ["a", "b"], NOW)
        # A year of silence, then the feed is empty for a moment and full again.
        await store.commit_poll(poll(at=NOW + 365 * day, outcome="changed"))
        assert await store.forget(NOW + 366 * day) == 2
        assert await keys(store) == 2
        assert await shown(store, ["a", "b"], NOW + 367 * day) == set()
        # It goes on without them.
        for week in range(30):
            await shown(store, [f"c{week}"], NOW + (368 + 7 * week) * day)
        assert await store.forget(NOW + (368 + 210) * day) > 10
        left = await keys(store)
        assert 5 < left < 25
        assert await shown(store, ["a", "c29"], NOW + 600 * day) == {"new"}

    run(sqlite, story)


def test_paths_and_stamps_of_copies_do_not_collide(tmp_path):
    with closing(sqlite3.connect(tmp_path / "x.db")) as connection:
        connection.execute("CREATE TABLE t (a)")
        connection.commit()

    copies = [
        upkeep.backup_before(tmp_path / "x.db", "0001", stamp=f"2026010{n}", keep=2)
        for n in range(4)
    ]

    assert [copy.exists() for copy in copies] == [False, False, True, True]
