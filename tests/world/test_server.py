import asyncio
import gzip
from dataclasses import replace

from tgewatch.world import WorldServer, make_plan
from tgewatch.world.plan import DAY

START = 1_790_035_200.0


async def ask(world, outlet, path=None, **headers):
    """Send one request on a connection of its own; return status, headers and body."""
    port = world.url(outlet).rsplit(":", 1)[1].split("/")[0]
    reader, writer = await asyncio.open_connection(world.address, int(port))
    lines = [f"GET {path or outlet.path} HTTP/1.1", f"Host: {outlet.host}:{world.port}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    try:
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        found = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        body = await reader.readexactly(int(found["content-length"]))
    finally:
        writer.close()
        await writer.wait_closed()
    return int(head[0].split()[1]), found, body


def world_with(fault="none", validators="both", **changes):
    """Return a plan whose first outlet behaves as told, and the hands of its clock."""
    plan = make_plan(start=START, outlets=4, faults=False, latency=0.0)
    first = replace(plan.outlets[0], fault=fault, validators=validators, format="rss", **changes)
    return replace(plan, outlets=(first, *plan.outlets[1:])), [START + DAY]


def run(fault, scenario, **changes):
    plan, hands = world_with(fault, **changes)

    async def play():
        async with WorldServer(plan, now=lambda: hands[0]) as world:
            return await asyncio.wait_for(scenario(world, plan.outlets[0], hands), 10)

    return asyncio.run(play())


def test_answers_304_until_something_is_published():
    async def scenario(world, outlet, hands):
        _, headers, _ = await ask(world, outlet)
        again = await ask(world, outlet, If_None_Match=headers["etag"])
        hands[0] += 3 * DAY
        later = await ask(world, outlet, If_None_Match=headers["etag"])
        return again[0], later[0]

    assert run("none", scenario) == (304, 200)


def test_a_server_that_ignores_validators_sends_everything_again():
    async def scenario(world, outlet, _hands):
        _, headers, _ = await ask(world, outlet)
        return (await ask(world, outlet, If_None_Match=headers["etag"]))[0]

    assert run("none", scenario, validators="ignored") == 200


def test_compresses_for_those_who_ask():
    async def scenario(world, outlet, _hands):
        _, _, plain = await ask(world, outlet)
        _, headers, packed = await ask(world, outlet, Accept_Encoding="gzip")
        return plain, headers["content-encoding"], packed

    plain, coding, packed = run("none", scenario)
    assert coding == "gzip"
    assert gzip.decompress(packed) == plain


def test_a_limited_host_says_when_and_notices_who_does_not_listen():
    async def scenario(world, outlet, hands):
        answers = [(await ask(world, outlet))[0] for _ in range(10)]
        before = world.log.violations
        hands[0] += 60
        patient = (await ask(world, outlet))[0]
        return answers, before, patient, world.log.violations

    answers, before, patient, after = run("limited", scenario)
    assert answers == [200] * 8 + [429] * 2
    assert before == 1
    assert (patient, after) == (200, 1)


def test_faults_are_what_they_are_called():
    async def status(world, outlet, _hands):
        return (await ask(world, outlet))[0]

    assert run("gone", status) == 410
    assert run("moved", status) == 301
    assert run("html", status) == 200


def test_a_hanging_host_never_answers():
    async def scenario(world, outlet, _hands):
        try:
            await asyncio.wait_for(ask(world, outlet), 0.2)
        except TimeoutError:
            return "silence"

    assert run("hang", scenario) == "silence"


def test_a_refusing_host_refuses():
    async def scenario(world, outlet, _hands):
        try:
            await ask(world, outlet)
        except ConnectionRefusedError:
            return "refused"

    assert run("refused", scenario) == "refused"


def test_counts_connections_and_what_was_served():
    async def scenario(world, outlet, _hands):
        await ask(world, outlet)
        await ask(world, outlet)
        return world.log

    log = run("none", scenario)
    assert log.connections == 2
    assert log.requests["feed", 200] == 2
    assert log.served
    assert log.reuse == 0.0


def test_only_the_first_answer_on_a_connection_waits_for_what_opening_it_takes():
    plan, hands = world_with(latency=0.002)
    outlet = plan.outlets[0]

    async def play(*, kept):
        async with WorldServer(plan, now=lambda: hands[0], set_up=2.0) as world:
            for _ in range(1 if kept else 2):
                reader, writer = await asyncio.open_connection(world.address, world.port)
                for _ in range(2 if kept else 1):
                    writer.write(f"GET /a/x HTTP/1.1\r\nHost: {outlet.host}\r\n\r\n".encode())
                    head = await reader.readuntil(b"\r\n\r\n")
                    await reader.readexactly(
                        int(head.lower().split(b"content-length: ")[1].split()[0])
                    )
                writer.close()
            return world.turn_page().set_up

    assert asyncio.run(play(kept=True)) == 2.0 * outlet.round_trip
    assert asyncio.run(play(kept=False)) == 4.0 * outlet.round_trip
