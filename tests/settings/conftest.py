"""A place to write settings files and load them without this machine's own."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tgewatch.errors import ConfigError
from tgewatch.settings import Settings
from tgewatch.settings.load import load_settings
from tgewatch.settings.locate import Folders


class Desk:
    """A working folder, a user's folders and an environment, all empty at first."""

    def __init__(self, root: Path) -> None:
        self.cwd = root / "work"
        self.folders = Folders(config=root / "config", state=root / "state")
        for folder in (self.cwd, self.folders.config, self.folders.state):
            folder.mkdir()

    def write(self, text: str, name: str = "tgewatch.toml") -> Path:
        path = self.cwd / name
        path.write_text(text, encoding="utf-8")
        return path

    def load(
        self,
        text: str | None = None,
        *,
        environ: Mapping[str, str] | None = None,
        path: Path | None = None,
        state: Path | None = None,
    ) -> Settings:
        if text is not None:
            self.write(text)
        return load_settings(
            path, environ=environ or {}, cwd=self.cwd, folders=self.folders, state=state
        )

    def problems(self, text: str | None = None, **rest: object) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            self.load(text, **rest)
        return list(caught.value.problems)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)
