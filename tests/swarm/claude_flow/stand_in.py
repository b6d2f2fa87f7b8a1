"""A claude-flow that needs no Node: `stand_in.py PERSON LOG ARGUMENTS…`.

Says and does what the published packages say and do, as far as anything here depends on it; shares
no code with what speaks to it. Persons: v3, v2, and v3 with one fault each:

    forgetful   without its native module: stores nothing, and says that all is well
    hanging     never answers, ignores SIGTERM, and has a child that does the same
    flooding    says more than anybody can read
    crashing    ends by a signal
    littering   leaves a child behind that holds its output open
    future      another major
    mute        has no version
    v2-file     a v2 whose MCP server does not come up
"""

import json
import os
import re
import signal
import sys
from pathlib import Path

HELP = {
    "hooks": "Self-Learning Hooks System\n\nUSAGE:\n  ruflo hooks <subcommand>\n",
    "memory": "Memory Management Commands\n\nUSAGE:\n  ruflo memory <subcommand>\n",
}
NUMBERISH = re.compile(r"\s*(true|false|[-+]?(0x[0-9a-fA-F]+|\d+(\.\d*)?([eE][-+]?\d+)?))\s*")
TASK_ID = re.compile(r"[A-Za-z0-9_.:-]+")


def say(text, *, to=sys.stdout):
    to.write(text + "\n")
    to.flush()


def options(arguments):
    """Return the options as the parser of 3.x takes them: a value with a dash is the next option."""
    found = {}
    rest = list(arguments)
    while rest:
        name, has, value = rest.pop(0).partition("=")
        if not name.startswith("-"):
            continue
        if not has:
            value = rest.pop(0) if rest and not rest[0].startswith("-") else True
        if isinstance(value, str) and NUMBERISH.fullmatch(value):
            value = json.loads("1")  # some number, or a boolean: no text, whatever it was
        found[name.lstrip("-")] = value
    return found


class Kept:
    """A file with values in it."""

    def __init__(self, path):
        self.path = Path(path)

    def __enter__(self):
        self.values = json.loads(self.path.read_text()) if self.path.exists() else {}
        return self.values

    def __exit__(self, *_):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        draft.write_text(json.dumps(self.values))
        draft.replace(self.path)


# --- 3.x ----------------------------------------------------------------------------------


def three(arguments, *, forgets=False):
    if arguments == ["--version"]:
        say("ruflo v3.43.0")
        return 0
    room, what, *rest = [*arguments, "", ""][: max(2, len(arguments))]
    told = options(rest)
    if room == "hooks":
        return hooks_of_three(what, told)
    if room == "memory":
        return memory_of_three(what, told, forgets=forgets)
    say(HELP["hooks"])
    return 0


def hooks_of_three(what, told):  # noqa: C901, PLR0911 - as the tool itself
    known = {"pre-task", "post-task", "post-edit", "notify", "session-end"}
    if what not in known:
        say(HELP["hooks"])
        return 0
    if not record_call():
        return 1
    for name in ("description", "task-id"):
        if not isinstance(told.get(name, ""), str):
            say(json.dumps({"success": False, "error": f"{name} must be a string"}))
            return 0 if told.get("format") == "json" else 1
    if "task-id" in told and not TASK_ID.fullmatch(told["task-id"]):
        say("[ERROR] Invalid task id", to=sys.stderr)
        return 1
    if "Q" not in told:
        say(f"[INFO] {what}")
    if what == "notify":
        return 0
    if what == "session-end":
        current = Path(".claude-flow/sessions/current.json")
        if not current.exists() or {"id", "startedAt"} - set(json.loads(current.read_text())):
            say("[ERROR] No active session", to=sys.stderr)
            return 1
    if told.get("format") == "json":
        success = told.get("success") != "false"
        if what == "post-task":
            # `--success true` is a boolean to this parser, and is taken as one.
            success = told.get("success") is not None and success
        say(json.dumps({"success": success, "hook": what}, indent=2))
    return 0


def record_call():
    """Append to the record of all calls, which is read and written whole, under its lock."""
    lock = Path(".claude-flow/policy/state.lock")
    if lock.exists():
        say("[ERROR] policy-state-lock-timeout", to=sys.stderr)
        return False
    with Kept(".claude-flow/policy/state.json") as state:
        state.setdefault("mode", "legacy")
        state.setdefault("ledger", []).append("x" * 1_500)
    return True


def memory_of_three(what, told, *, forgets):  # noqa: PLR0911 - as above
    database = Path(".swarm/memory.db")
    if what == "init":
        with Kept(database):
            pass
        return 0
    if what not in {"store", "retrieve"}:
        say(HELP["memory"])
        return 0
    if not database.exists():
        say("[ERROR] Database not initialized", to=sys.stderr)
        return 1
    key, space = str(told.get("key", "")), str(told.get("namespace", "default"))
    if what == "store":
        if not isinstance(told.get("value"), str):
            say("[ERROR] Value is required", to=sys.stderr)
            return 0
        with Kept(database) as rows:
            if not forgets:
                rows[f"{space}/{key}"] = told["value"]
        return 0
    path = Path(told["path"]) if isinstance(told.get("path"), str) else database
    with Kept(path) as rows:
        content = rows.get(f"{space}/{key}")
    if content is None:
        say(f"Key not found: {key}")
        return 1
    say(json.dumps({"key": key, "namespace": space, "content": content}))
    return 0


# --- 2.x ----------------------------------------------------------------------------------


def two(arguments, *, serves=True):
    if arguments == ["--version"]:
        say("v2.5.0-alpha.139\n\nA swarm of agents at your service")
        return 0
    room, what, *rest = [*arguments, "", ""][: max(2, len(arguments))]
    if room == "hooks":
        if what not in {"pre-task", "post-task", "post-edit", "notify", "session-end"}:
            say(f"❌ Unknown hooks command: {what}")
            return 0
        if what == "pre-task":
            os.system("npx ruv-swarm --version >/dev/null 2>&1")  # noqa: S605, S607 - as it does
        say(f"🔄 Executing {what} hook...\n✅ done")
        return 0
    if (room, what) == ("memory", "store"):
        key, value, *named = rest
        space = named[named.index("--namespace") + 1] if "--namespace" in named else "default"
        with Kept("memory/memory-store.json") as spaces:
            rows = [row for row in spaces.get(space, []) if row["key"] != key]
            spaces[space] = [*rows, {"key": key, "value": value, "namespace": space}]
        say("✅ Stored successfully")
        return 0
    if (room, what) == ("mcp", "start") and serves:
        return serve()
    say("Memory commands:\n  store <key> <value>")
    return 0


def serve():
    say("[2025-10-12] INFO [claude-flow-mcp] starting", to=sys.stderr)
    say(json.dumps({"jsonrpc": "2.0", "method": "server.initialized", "params": {}}))
    for line in sys.stdin:
        asked = json.loads(line)
        if asked.get("method") == "initialize":
            answer(asked["id"], {"protocolVersion": "2024-11-05", "capabilities": {}})
        elif asked.get("method") == "tools/call":
            name, told = asked["params"]["name"], asked["params"]["arguments"]
            result = memory_usage(told) if name == "memory_usage" else {"success": True}
            answer(asked["id"], {"content": [{"type": "text", "text": json.dumps(result)}]})
    return 0


def memory_usage(told):
    with Kept(".swarm/memory.db") as rows:
        name = f"{told['namespace']}/{told['key']}"
        if told["action"] == "store":
            rows[name] = told["value"]
            return {"success": True, "action": "store", "stored": True}
        return {"success": True, "value": rows.get(name), "found": name in rows}


def answer(number, result):
    say(json.dumps({"jsonrpc": "2.0", "id": number, "result": result}))


# --- faults -------------------------------------------------------------------------------


def hang():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    mine = os.fork()
    if mine:
        Path(LOG).with_name("children").open("a").write(f"{os.getpid()} {mine}\n")
    while True:
        signal.pause()


def litter():
    mine = os.fork()
    if mine == 0:
        while True:
            signal.pause()
    Path(LOG).with_name("children").open("a").write(f"{mine}\n")


def flood():
    os.set_blocking(1, True)
    while True:
        os.write(1, b"all work and no play\n" * 1_000)


def main():
    called = {"arguments": ARGUMENTS, "cwd": str(Path.cwd()), "env": dict(os.environ)}
    with Path(LOG).open("a") as log:
        log.write(json.dumps(called) + "\n")
    if PERSON == "v2":
        return two(ARGUMENTS)
    if PERSON == "v2-file":
        return two(ARGUMENTS, serves=False)
    if PERSON == "future":
        say("ruflo v4.0.0")
        return 0
    if PERSON == "mute":
        say("Welcome!")
        return 0
    if ARGUMENTS != ["--version"]:
        if PERSON == "hanging":
            hang()
        if PERSON == "flooding":
            flood()
        if PERSON == "crashing":
            os.kill(os.getpid(), signal.SIGSEGV)
        if PERSON == "littering":
            litter()
    return three(ARGUMENTS, forgets=PERSON == "forgetful")


if __name__ == "__main__":
    PERSON, LOG, *ARGUMENTS = sys.argv[1:]
    sys.exit(main())
