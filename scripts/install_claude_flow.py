"""Install claude-flow for the tests and benchmarks, once a machine, from npm as it is configured here.

    python scripts/install_claude_flow.py            # the versions below, about 150 s and 400 MB each
    python scripts/install_claude_flow.py 3.43.0
    python scripts/install_claude_flow.py --folder 3.43.0     # where it is, or would be

Exit code 1 when npm is missing, refuses, or takes longer than 20 minutes; nothing half-done stays.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import platformdirs

VERSIONS = ("3.43.0", "2.5.0-alpha.139")
"""The newest of the majors that are spoken, of those that install without a download beside npm's."""
SECONDS = 1_200


def folder(version: str) -> Path:
    """Return where a version is kept, whether it is there or not."""
    return platformdirs.user_cache_path("tgewatch") / "claude-flow" / version


def command(version: str) -> Path:
    """Return the executable of a version."""
    return folder(version) / "node_modules" / ".bin" / "claude-flow"


def install(version: str) -> str:
    """Install a version unless it is there; return what went wrong, or nothing."""
    if command(version).exists():
        return ""
    if shutil.which("npm") is None:
        return "npm is not installed"
    folder(version).parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{version}-", dir=folder(version).parent))
    try:
        (draft / "package.json").write_text('{"private": true}')
        quiet = ("--no-audit", "--no-fund", "--no-update-notifier")
        with subprocess.Popen(  # noqa: S603 - our own words
            ["npm", "install", *quiet, f"claude-flow@{version}"],  # noqa: S607 - the user's npm
            cwd=draft,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
            start_new_session=True,
        ) as npm:
            try:
                code = npm.wait(SECONDS)
            except BaseException as error:
                os.killpg(npm.pid, signal.SIGKILL)
                if not isinstance(error, subprocess.TimeoutExpired):
                    raise
                return f"npm took longer than {SECONDS} s"
        if code != 0:
            return f"npm ended with {code}"
        shutil.rmtree(folder(version), ignore_errors=True)
        draft.replace(folder(version))
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("versions", nargs="*", default=VERSIONS, metavar="VERSION")
    parser.add_argument("--folder", action="store_true", help="say where it is, and do nothing")
    told = parser.parse_args()
    failed = 0
    for version in told.versions:
        wrong = "" if told.folder else install(version)
        print(f"claude-flow {version}: {wrong or command(version)}")
        failed += bool(wrong)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
