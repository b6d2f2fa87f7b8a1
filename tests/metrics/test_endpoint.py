"""The metrics over HTTP, on a real socket."""

import asyncio
import contextlib
import json

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tgewatch.errors import ConfigError
from tgewatch.metrics.endpoint import AT_ONCE, Address, serve_metrics
from tgewatch.metrics.metering import Metering
from tgewatch.settings import MetricsSettings
from tgewatch.testing import ManualClock


@pytest.fixture
def metering():
    clock = ManualClock()
    metering = Metering(MetricsSettings(), clock=clock, keep_alive=10.0)
    with metering.cycle():
        metering.recorder.count("api_calls", 7)
        metering.recorder.observe("poll", 0.25, "engine")
        clock.advance(3.0)
    return metering


def talk(metering, *requests):
    """Send each request on a connection of its own; return the answers."""

    async def play():
        async with serve_metrics(metering, Address("127.0.0.1", 0)) as address:
            return [await _ask(address, request) for request in requests]

    return asyncio.run(play())


async def _ask(address, request):
    reader, writer = await asyncio.open_connection(address.host, address.port)
    try:
        writer.write(request)
        writer.write_eof()
        return await reader.read()
    except ConnectionError:  # hung up on us in the middle of it
        return b""
    finally:
        await _closed(writer)


async def _closed(writer):
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


def get(path, method="GET"):
    return f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


def test_prometheus_can_read_it(metering):
    (answer,) = talk(metering, get("/metrics"))

    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=1.0.0")
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }
    assert samples["tgewatch_events_total", "api_calls"] == 7
    assert samples["tgewatch_cycles_total",] == 1
    assert samples["tgewatch_measure", "cycle_seconds"] == 3.0
    assert samples["tgewatch_operation_seconds_count", "engine", "poll"] == 1


def test_others_get_json(metering):
    (answer,) = talk(metering, get("/metrics.json?pretty"))

    report = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert report["measures"]["cycle_seconds"] == 3.0
    assert report["targets"][0]["passed"] is True


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (get("/"), b"404"),
        (get("/metrics/../x"), b"404"),
        (get("/metrics", "POST"), b"405"),
        (b"\r\n\r\n", b"405"),
        (b"GET\r\n\r\n", b"404"),
        (b"\xff\xfe\r\n\r\n", b"405"),
    ],
    ids=["root", "path", "method", "empty", "short", "bytes"],
)
def test_whatever_else_is_asked_is_refused(metering, request_, status):
    answer, after = talk(metering, request_, get("/metrics"))

    assert answer.split()[1] == status
    assert after.split()[1] == b"200"


@pytest.mark.parametrize(
    "request_", [b"GET /metrics HTTP/1.1\r\n" + b"X: y\r\n" * 5_000, b"GET /met", b""], ids=range(3)
)
def test_what_is_too_long_or_never_ends_gets_no_answer(metering, request_):
    answer, after = talk(metering, request_, get("/metrics"))

    assert answer == b""
    assert after.split()[1] == b"200"


def test_head_has_no_body(metering):
    (answer,) = talk(metering, get("/metrics", "HEAD"))

    assert answer.endswith(b"\r\n\r\n")
    assert b"Content-Length: 0" not in answer


def test_connections_that_say_nothing_take_no_more_than_their_places(metering):
    async def play():
        async with serve_metrics(metering, Address("127.0.0.1", 0)) as address:
            idle = [
                await asyncio.open_connection(address.host, address.port) for _ in range(AT_ONCE)
            ]
            refused = await _ask(address, get("/metrics"))
            for _, writer in idle:
                await _closed(writer)
            return refused

    assert asyncio.run(play()) == b""


def test_a_port_that_is_taken_is_told_to_the_operator(metering):
    async def play():
        async with serve_metrics(metering, Address("127.0.0.1", 0)) as address:
            with pytest.raises(ConfigError, match=str(address.port)):
                await serve_metrics(metering, address).__aenter__()

    asyncio.run(play())


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("9464", "127.0.0.1", 9464),
        (":9464", "127.0.0.1", 9464),
        ("0.0.0.0:80", "0.0.0.0", 80),  # noqa: S104 - said by the operator
        ("[::1]:9464", "::1", 9464),
        ("localhost:1", "localhost", 1),
    ],
)
def test_an_address_without_a_host_is_this_machine(text, host, port):
    assert Address.parse(text) == Address(host, port)


@pytest.mark.parametrize("text", ["", "x", "127.0.0.1:", "127.0.0.1:99999", "a:b", "1:-1"])
def test_what_is_no_address_is_told_to_the_operator(text):
    with pytest.raises(ConfigError):
        Address.parse(text)
