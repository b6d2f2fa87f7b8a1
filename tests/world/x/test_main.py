import json
import subprocess
import sys
from urllib.request import Request, urlopen


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
