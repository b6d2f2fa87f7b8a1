"""The bench itself, in small: real processes, a real world, every client."""

import asyncio
import io
import json
import sys

import pytest

from tgewatch.bench import figures, peer, plans
from tgewatch.bench.child import measured
from tgewatch.bench.process import started
from tgewatch.bench.rounds import staged
from tgewatch.bench.run import recorded
from tgewatch.errors import TransientError

FEEDS = 10
IMPOLITE = {"fetch": {"allow_private": True, "spacing": 0}}
TINY = plans.Plan(sizes=(FEEDS,), steady=1, due=1, readings=3, naive=True)


def quiet(_line):
    return


@pytest.fixture(scope="module")
def versus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")

    async def play():
        arguments = ("--feeds", str(FEEDS), "--latency", "0.001", "--no-faults", "--per-day", "15")
        async with staged(folder, *arguments) as stage:
            for name in ("ours", "bare", "naive"):
                await stage.enter(name, f"tgewatch.bench.{name}", settings=IMPOLITE)
            for kind in ("first", "all"):
                for name in stage.clients:
                    await stage.turn(name, kind, everything=True, remember=kind == "all")
                await stage.move_on()
            await stage.turn("ours", "due")
            return stage.rounds

    return asyncio.run(play())


def of(rounds, client, kind):
    (found,) = figures.of(rounds, client, kind)
    return found


def test_all_clients_see_the_same_world(versus):
    assert {len(r.answered) for r in versus if r.kind != "due"} == {FEEDS}
    assert {len(r.log["answered"]) for r in versus if r.kind != "due"} == {FEEDS}


def test_the_naive_client_fetches_every_page_until_it_remembers(versus):
    first, second = of(versus, "naive", "first"), of(versus, "naive", "all")

    assert first.log["pages"] == first.log["served"]
    assert second.log["pages"] < first.log["pages"] / 2
    assert first.log["kept"] == 0


def test_the_program_asks_conditionally_and_stores_what_comes(versus):
    first, second = of(versus, "ours", "first"), of(versus, "ours", "all")

    assert first.found["new"] == first.log["served"]
    assert second.log["conditional"] > 0
    assert first.log["pages"] < first.log["served"] / 2
    assert not first.log["violations"]


def test_figures_of_a_size_and_of_the_specification_come_out(versus):
    found = figures.of_smallest(FEEDS, versus) | figures.of_size(FEEDS, versus)

    assert found["calls.naive"] > found["calls.remembering"]
    assert found["size.10.steady.cpu_ms_per_poll"] > 0
    assert found["reuse.naive"] == 0
    assert 0 <= found["reuse.possible"] <= 100


def test_a_feature_that_is_off_makes_its_figure_worse(tmp_path):
    async def play():
        arguments = ("--feeds", "6", "--latency", "0.001", "--no-faults", "--per-day", "15")
        async with staged(tmp_path, *arguments) as stage:
            await stage.enter("on", "tgewatch.bench.ours", settings=IMPOLITE)
            await stage.enter(
                "off", "tgewatch.bench.ours", settings=IMPOLITE, off=["filter", "validators"]
            )
            for name in ("on", "off", "on", "off"):
                await stage.turn(name, "first", everything=True)
            return stage.rounds

    on, off, on_again, off_again = asyncio.run(play())
    assert on.log["pages"] < off.log["pages"] == off.log["served"]
    assert on_again.log["bytes_out"] < off_again.log["bytes_out"]
    assert off_again.log["conditional"] == 0


def test_readers_of_the_cache_cost_no_request_while_an_answer_is_fresh(tmp_path):
    found = figures.of_reads(asyncio.run(plans.reads(FEEDS, TINY, tmp_path)))

    assert found["cache.hit_rate.allowed"] == 100
    assert found["cache.off.hit_rate"] == 0
    assert (found["cache.herd_requests"], found["cache.off.herd_requests"]) == (1, plans.HERD)


def test_a_process_that_ends_too_early_is_an_error():
    async def play():
        async with started("nobody", "tgewatch.bench.nobody") as process:
            await process.ask({})

    with pytest.raises(TransientError, match="nobody ended"):
        asyncio.run(play())


def test_work_is_measured_in_time_of_the_wall_and_of_the_processor():
    async def work(order):
        sum(range(200_000))
        return {"order": order}

    found = asyncio.run(measured(work, {"now": 1.0}))
    assert found["order"] == {"now": 1.0}
    assert 0 < found["cpu"] <= found["seconds"] + 0.1


def test_what_cannot_be_switched_off_is_refused(tmp_path):
    async def play():
        async with staged(tmp_path, "--feeds", "6", "--no-faults") as stage:
            await stage.enter("ours", "tgewatch.bench.ours", off=["gravity"])

    with pytest.raises(TransientError):
        asyncio.run(play())


def test_a_peer_that_is_not_installed_is_left_out(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "reader", None)
    monkeypatch.setattr(sys, "stdin", io.StringIO('{"folder": "x", "sources": []}\n'))
    peer.main()

    assert json.loads(capsys.readouterr().out)["absent"]


def test_results_name_files_and_not_where_they_lie(tmp_path):
    plan = plans.Plan(peer_python=str(tmp_path / "python3"), trace=str(tmp_path / "log.csv"))

    assert recorded(plan)["peer_python"] == "python3"
    assert recorded(plan)["trace"] == "log.csv"
    assert recorded(plan)["sizes"] == plan.sizes
