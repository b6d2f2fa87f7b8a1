import json
import subprocess
import sys
from urllib.request import Request, urlopen

from tgewatch.world.x.__main__ import Hands, obey, ready
from tgewatch.world.x.population import make_population
from tgewatch.world.x.server import XServer


def test_orders_are_obeyed_without_a_process_too(stage):
    hands = Hands(stage.noon, 0.0)
    stage.x._now = hands.now
    made = obey({"publish": {"username": "AliceProtocol", "text": "zebra"}}, stage.x, hands)
    assert obey({"advance": 40}, stage.x, hands) == {"now": stage.noon + 40}
    assert stage.texts("zebra") == ["zebra"]
    obey({"edit": {"id": made["id"], "text": "zebras"}}, stage.x, hands)
    obey({"plant": {"endpoint": "GET /2/users/by", "kinds": ["503"]}}, stage.x, hands)
    assert stage.ask("/2/users/by", {"usernames": "a"})[0] == 503
    obey({"delete": made["id"]}, stage.x, hands)
    obey({"drop": "stall"}, stage.x, hands)
    report = obey({"report": True}, stage.x, hands)
    assert (report["posts"], report["statuses"]) == (1, {"200": 1, "503": 1})
    assert "problem" in obey({"publish": {"username": "nobody", "text": ""}}, stage.x, hands)
    assert "problem" in obey({}, stage.x, hands)


def test_what_a_client_has_to_know(stage):
    people = make_population(seed=1, accounts=2, start=stage.noon, days=0.0, before=0.0)
    told = ready(people, XServer(stage.x, port=8_080), "secret")
    assert (told["base_url"], told["token"]) == ("http://127.0.0.1:8080", "secret")
    assert [one["username"] for one in told["accounts"]] == [a.username for a in people.accounts]


def test_it_says_where_it_is_obeys_and_ends_with_its_input():
    process = subprocess.Popen(
        [sys.executable, "-m", "tgewatch.world.x", "--accounts", "3", "--pace", "0"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())

        def order(**what):
            process.stdin.write(json.dumps(what) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        def ask(path):
            request = Request(  # noqa: S310 - loopback
                ready["base_url"] + path, headers={"Authorization": f"Bearer {ready['token']}"}
            )
            with urlopen(request, timeout=5) as answer:  # noqa: S310 - loopback
                return json.load(answer)

        name = ready["accounts"][0]["username"]
        made = order(publish={"username": name, "text": "TGE zebra"})
        order(advance=31)
        found = ask("/2/tweets/search/recent?query=zebra")
        assert found["data"][0]["id"] == made["id"]
        changed = order(edit={"id": made["id"], "text": "TGE zebra, later"})
        order(advance=31)
        found = ask("/2/tweets/search/recent?query=zebra")
        assert found["data"][0]["id"] == changed["id"]
        order(delete=changed["id"])
        assert ask("/2/tweets/search/recent?query=zebra")["meta"]["result_count"] == 0
        report = order(report=True)
        assert report["calls"] == {"GET /2/tweets/search/recent": 3}
        assert (report["posts"], report["dollars"]) == (2, 0.01)
        assert order(drop="reset").keys() == {"now"}
        assert order(plant={"endpoint": "GET /2/users/by", "kinds": ["503"]}).keys() == {"now"}
        for wrong in (
            {"drop": "x"},
            {"edit": {"id": 5}},
            {"what": 1},
            {"publish": {}},
            {"plant": 1},
        ):
            assert "problem" in order(**wrong)
        assert "problem" in order(publish={"username": "nobody", "text": "x"})
        process.stdin.close()
        assert process.wait(5) == 0
