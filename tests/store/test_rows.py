"""Rows in any number, into any database."""

import asyncio

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.store.rows import PAGES, add, portions, upsert

TABLE = sa.Table(
    "probe",
    sa.MetaData(),
    sa.Column("order", sa.Integer, primary_key=True),  # a word that has to be quoted
    sa.Column("kept", sa.Text, nullable=False),
    sa.Column("filled", sa.Double),
    sa.Column("flag", sa.Boolean, nullable=False),
    sa.Column("never", sa.Text, server_default="as made"),
)
COUNTS = [0, 1, PAGES[-2] - 1, PAGES[-2], PAGES[0] + PAGES[-2] + 1, 2 * PAGES[0] + 3]


def rows(count, **values):
    # Not in the order of the table's columns.
    row = {"flag": True, "kept": "first", "filled": 1.5, **values}
    return [{**row, "order": n} for n in range(count)]


def within(home, story):
    """Run a story in a transaction that leaves nothing behind."""

    async def whole():
        async with home.open() as store:

            def work():
                with store.database.writer.connect() as connection:
                    TABLE.create(connection)
                    try:
                        story(connection)
                    finally:
                        connection.rollback()

            await asyncio.to_thread(work)

    asyncio.run(whole())


@pytest.mark.parametrize("count", COUNTS)
def test_all_rows_arrive_and_columns_do_not_mix(sql, count):
    def story(connection):
        upsert(connection, TABLE, rows(count))

        found = connection.execute(sa.select(TABLE).order_by(TABLE.c.order)).all()
        assert [tuple(row) for row in found] == [
            (n, "first", 1.5, True, "as made") for n in range(count)
        ]

    within(sql, story)


def test_rows_that_are_there_are_overwritten_but_for_what_is_kept_or_missing(sql):
    def story(connection):
        upsert(connection, TABLE, rows(30))
        upsert(
            connection,
            TABLE,
            rows(40, kept="second", filled=None, flag=False),
            keep=("kept",),
            fill=("filled",),
        )

        found = connection.execute(sa.select(TABLE).order_by(TABLE.c.order)).all()
        assert {tuple(row)[1:4] for row in found[:30]} == {("first", 1.5, False)}
        assert {tuple(row)[1:4] for row in found[30:]} == {("second", None, False)}

    within(sql, story)


def test_adding_leaves_rows_that_are_there_alone(sql):
    def story(connection):
        add(connection, TABLE, rows(30))
        add(connection, TABLE, rows(40, kept="second"))

        found = connection.execute(sa.select(TABLE.c.kept).order_by(TABLE.c.order)).scalars().all()
        assert found == ["first"] * 30 + ["second"] * 10

    within(sql, story)


@given(st.lists(st.integers(), max_size=50), st.integers(1, 10))
def test_portions_are_all_of_it_in_order_and_none_too_big(values, size):
    parts = list(portions(values, size))

    assert [one for part in parts for one in part] == values
    assert all(0 < len(part) <= size for part in parts)
