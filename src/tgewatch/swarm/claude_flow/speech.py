"""What to type at claude-flow, which its two living majors want told differently."""

from pathlib import Path

from tgewatch.swarm.claude_flow.message import Notify, PostEdit, PostTask, PreTask

LONGEST = 500
"""Characters of a text."""
_QUIET = ("--format", "json", "-Q")


def hook(message: PreTask | PostTask | PostEdit | Notify, *, major: int) -> tuple[str, ...]:
    """Return the arguments of a hook."""
    new = major >= 3  # noqa: PLR2004 - the major itself
    said: tuple[str, ...]
    match message:
        case PreTask(task_id, description):
            said = ("pre-task", "--task-id", task_id, "--description", text(description))
        case PostTask(task_id, success, seconds) if new:
            took = ("--duration", str(max(1, round(1_000 * seconds))))
            said = ("post-task", "--task-id", task_id, "--success", str(success).lower(), *took)
        case PostTask(task_id):
            said = ("post-task", "--task-id", task_id)
        case PostEdit(file) if new:
            said = ("post-edit", "--file", str(file), "--success", "true")
        case PostEdit(file, key):
            said = ("post-edit", "--file", str(file), "--memory-key", key)
        case Notify(words, level):
            said = ("notify", "--message", text(words), "--level", level)
            return ("hooks", *said, *(("-Q",) if new else ()))
    return ("hooks", *said, *(_QUIET if new else ()))


def session_end(*, major: int) -> tuple[str, ...]:
    """Return the arguments of the hook that ends a session."""
    if major >= 3:  # noqa: PLR2004 - as above
        return ("hooks", "session-end", *_QUIET)
    return ("hooks", "session-end", "--export-metrics", "true")


def store(key: str, value: str, *, namespace: str, ttl: float, major: int) -> tuple[str, ...]:
    """Return the arguments that store JSON. Of claude-flow 2, they lose stores at the same time."""
    seconds = str(max(1, round(ttl)))
    if major >= 3:  # noqa: PLR2004 - as above
        named = (f"--key={key}", f"--value={value}", f"--namespace={namespace}")
        return ("memory", "store", *named, "--ttl", seconds, "--upsert", "-Q")
    return ("memory", "store", key, value, "--namespace", namespace, "--ttl", seconds, "--basic")


def retrieve(key: str, *, namespace: str, shared: Path | None) -> tuple[str, ...]:
    """Return the arguments that read a row (3.x only), from where agents write too if `shared`."""
    named = (f"--key={key}", f"--namespace={namespace}")
    where = ("--path", str(shared)) if shared is not None else ()
    return ("memory", "retrieve", *named, *_QUIET, *where)


def text(words: str) -> str:
    """Return words as one bounded argument that is neither an option nor taken for a number.

    claude-flow 3 reads `12` or `true` as no text at all, and then does nothing.
    """
    plain = " ".join("".join(c if c.isprintable() else " " for c in words[: 2 * LONGEST]).split())
    return f"tgewatch: {plain[:LONGEST] or 'task'}"
