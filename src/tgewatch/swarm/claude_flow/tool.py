"""claude-flow as it was found: which major it is, and whether it remembers."""

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from tgewatch.clock import Clock
from tgewatch.errors import TransientError
from tgewatch.swarm.claude_flow import finding, policy, speech, stdio
from tgewatch.swarm.claude_flow.answer import Answer, answer_of
from tgewatch.swarm.claude_flow.child import Children, Ended, Enough
from tgewatch.swarm.claude_flow.envelope import opened, sealed
from tgewatch.swarm.claude_flow.finding import Finding
from tgewatch.swarm.claude_flow.message import (
    Message,
    Notify,
    PostEdit,
    PostTask,
    PreTask,
    Remember,
    SessionEnd,
)
from tgewatch.swarm.claude_flow.place import Place

OLD, NEW = 2, 3
"""The majors that are spoken."""
REPAIR = "run `npm rebuild better-sqlite3` where claude-flow is installed"
_VERSION = re.compile(r"v?(\d+)\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?")
_TEST = "selftest"
_SMALL = 10_000_000
"""Bytes of the file of claude-flow 2 that is read."""


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds that a command of each kind gets."""

    version: float = 5.0
    hook: float = 20.0
    """The first post-task of 3.x takes 10.5 s where DNS does not answer: it wants a model."""
    memory: float = 10.0
    init: float = 30.0
    session: float = 20.0


class Tool:
    """Runs claude-flow, a process a message. Blocks; call it from a thread that may wait."""

    def __init__(
        self,
        place: Place,
        *,
        children: Children,
        clock: Clock,
        around: Mapping[str, str],
        deadlines: Deadlines | None = None,
    ) -> None:
        self.place = place
        self._deadlines = deadlines or Deadlines()
        self.version = ""
        self.major = 0
        self.memory = False
        """Whether what is stored can be read back; False until `probe`."""
        self._by_session = True
        self._children = children
        self._clock = clock
        self._env = place.environment(around)

    def __repr__(self) -> str:
        memory = "with" if self.memory else "without"
        return f"<Tool {self.place.command.name} {self.version or '?'} {memory} memory>"

    # --- what it is -----------------------------------------------------------------------

    def probe(self) -> str:
        """Find out version and memory; return what is wrong with the memory, or nothing.

        What was well some hours ago is not tested again, unless a message has failed since. Raises
        TransientError when the command is not a claude-flow that is spoken here.
        """
        try:
            self.place.prepare()
        except OSError as error:
            raise TransientError(
                f"the folder {error.filename} cannot be written: {error.strerror}", cause="folder"
            ) from error
        if (known := finding.recall(self.place, now=self._clock.now())) is not None:
            self._is(known.version)
            self._by_session, self.memory = known.by_session, True
            return ""
        ended = self._children.run(
            [str(self.place.command), "--version"],
            cwd=self.place.root,
            env=self._env,
            deadline=self._deadlines.version,
        )
        found = _VERSION.search(ended.out)
        if ended.cut or ended.code != 0 or found is None:
            why = ended.cut or f"exit code {ended.code}, no version"
            raise TransientError(f"{self.place.command} --version: {why}", cause="version")
        self._is(found[0])
        wrong = self._test_memory()
        self.memory = not wrong
        if self.memory:
            by_file = self.major == OLD and not self._by_session
            finding.keep(
                self.place,
                Finding(self.version, self._by_session),
                memory="memory/memory-store.json" if by_file else ".swarm/memory.db",
                now=self._clock.now(),
            )
        return wrong

    def _is(self, version: str) -> None:
        self.version = version.lstrip("v")
        self.major = int(self.version.partition(".")[0])
        if self.major not in (OLD, NEW):
            raise TransientError(
                f"claude-flow {self.version} is not spoken here: install 2.x or 3.x",
                cause="version",
            )

    def _test_memory(self) -> str:
        """Store and read in two processes: without its native module it forgets, and says it is well."""
        if self.major == NEW and not (self.place.root / ".swarm" / "memory.db").exists():
            begun = self._run(("memory", "init", "-Q"), self._deadlines.init)
            if not begun.done:
                return f"memory init: {begun.why}"
        mark = {"pid": os.getpid(), "at": self._clock.now()}
        stored = Answer()
        for by_session in (True, False) if self.major == OLD else (False,):
            self._by_session = by_session
            stored = self.store(_TEST, mark, ttl=60.0)
            if stored.done and self.retrieve(_TEST) == mark:
                return ""
        return f"a stored value did not come back ({stored.why or 'no error'}): {REPAIR}"

    # --- what it is told ------------------------------------------------------------------

    def tell(self, message: Message) -> Answer:
        """Pass a message on; what the memory would be told is skipped where there is none."""
        answer = self._tell(message)
        if not answer.done:
            finding.forget(self.place)
        return answer

    def _tell(self, message: Message) -> Answer:
        match message:
            case Remember(key, value, ttl):
                return self.store(key, value, ttl=ttl) if self.memory else Answer()
            case SessionEnd():
                return self._end_session()
            case PreTask() | PostTask() | PostEdit() | Notify():
                failed = isinstance(message, PostTask) and not message.success
                said = speech.hook(message, major=self.major)
                answer = self._run(said, self._deadlines.hook, echoes_failure=failed)
                self._tidy(killed=bool(answer.why))
                return answer

    def _tidy(self, *, killed: bool) -> None:
        """Keep the tool's record of its calls small and unlocked, where only we work."""
        if self.place.own and self.major == NEW:
            if killed:
                policy.unlock(self.place.root)
            policy.rotate(self.place.root)

    def store(self, key: str, value: Mapping[str, Any], *, ttl: float) -> Answer:
        """Store a value for `ttl` seconds."""
        text = sealed(value, now=self._clock.now(), ttl=ttl)
        namespace = self.place.namespace
        if self._by_session:
            told = {"action": "store", "key": key, "value": text, "namespace": namespace}
            said = self._session([("memory_usage", {**told, "ttl": max(1, round(ttl))})])
            if said is None or not isinstance(said[0], dict) or said[0].get("success") is not True:
                return Answer(said, why="memory_usage did not store")
            return Answer(said)
        line = speech.store(key, text, namespace=namespace, ttl=ttl, major=self.major)
        return self._run(line, self._deadlines.memory)

    def retrieve(self, key: str) -> dict[str, Any] | None:
        """Return a value that was stored and has not expired; None for anything else."""
        return opened(self._stored(key), now=self._clock.now())

    def _stored(self, key: str) -> object:
        namespace = self.place.namespace
        if self.major == NEW:
            shared = self.place.root / ".swarm" / "agentdb-memory.db"
            line = speech.retrieve(
                key, namespace=namespace, shared=shared if shared.exists() else None
            )
            answer = self._run(line, self._deadlines.memory)
            return answer.data.get("content") if isinstance(answer.data, dict) else None
        if self._by_session:
            told = {"action": "retrieve", "key": key, "namespace": namespace}
            said = self._session([("memory_usage", told)])
            return said[0].get("value") if said and isinstance(said[0], dict) else None
        return _in_file(self.place.root / "memory" / "memory-store.json", namespace, key)

    def _session(self, calls: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Any] | None:
        """Call tools of the MCP server; return their answers, or None."""
        number = len(calls)
        ended = self._execute(
            ("mcp", "start"),
            self._deadlines.session,
            said=stdio.spoken(calls),
            enough=lambda heard: stdio.answered(heard, number),
        )
        found = stdio.answers(ended.out, number)
        return [found[one] for one in range(number)] if len(found) == number else None

    def _end_session(self) -> Answer:
        """End the session of the tool.

        3.x stops whatever runs in the folder with it, so not where others work; and it wants a
        file that none of its commands writes.
        """
        line = speech.session_end(major=self.major)
        if self.major == OLD:
            return self._run(line, self._deadlines.session)
        if not self.place.own:
            return Answer()
        current = self.place.root / ".claude-flow" / "sessions" / "current.json"
        begun = datetime.fromtimestamp(self._clock.now(), UTC).isoformat()
        written = _write_new(current, {"id": f"tgewatch-{os.getpid()}", "startedAt": begun})
        try:
            return self._run(line, self._deadlines.session)
        finally:
            if written:
                with suppress(OSError):
                    current.unlink()

    def _run(self, said: Sequence[str], seconds: float, *, echoes_failure: bool = False) -> Answer:
        return answer_of(self._execute(said, seconds), echoes_failure=echoes_failure)

    def _execute(
        self,
        arguments: Sequence[str],
        seconds: float,
        *,
        said: bytes = b"",
        enough: Enough | None = None,
    ) -> Ended:
        return self._children.run(
            [str(self.place.command), *arguments],
            cwd=self.place.root,
            env=self._env,
            deadline=seconds,
            said=said,
            enough=enough,
        )


def _in_file(path: Path, namespace: str, key: str) -> object:
    """Return a value from the file of claude-flow 2's command line."""
    try:
        with path.open("rb") as file:
            content = file.read(_SMALL + 1)
        kept = orjson.loads(content)
    except (OSError, orjson.JSONDecodeError):
        return None
    rows = kept.get(namespace) if isinstance(kept, dict) else None
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and row.get("key") == key:
            return row.get("value")
    return None


def _write_new(path: Path, value: Mapping[str, str]) -> bool:
    """Write a file that is not there yet; return whether it was written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(orjson.dumps(value))
    except OSError:
        return False
    return True
