"""A Jupyter server of the tests' own, on loopback and in a folder of its own.

It serves JupyterLab and Notebook 7 side by side, which differ in their addresses only. Nothing of whoever runs the
tests is read or written: configuration, data, settings and workspaces are the server's own.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import threading
from typing import IO, TYPE_CHECKING, Literal, Self

from tests.e2e.browser import HOST
from tests.e2e.kernels import install_kernels

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

App = Literal["lab", "notebook"]

PAGES: dict[App, str] = {"lab": "lab/tree/{path}?token={token}&reset", "notebook": "notebooks/{path}?token={token}"}
OPTIONS = [
    "--no-browser",
    "--allow-root",
    f"--ServerApp.ip={HOST}",
    "--ServerApp.port_retries=0",
    "--ServerApp.terminals_enabled=False",
    "--LabApp.expose_app_in_browser=True",
    "--JupyterNotebookApp.expose_app_in_browser=True",
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.extension_manager=readonly",
]
# What would otherwise ask a question, fetch news, save in between, or leave out cells that are out of sight.
Settings = dict[str, dict[str, object]]
SETTINGS: Settings = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True},
    "docmanager-extension/plugin": {"autosave": False},
    "notebook-extension/tracker": {"windowingMode": "none"},
}
THEMES = "apputils-extension/themes"
HOMES = {
    "JUPYTER_CONFIG_DIR": "config",
    "JUPYTER_DATA_DIR": "data",
    "JUPYTER_RUNTIME_DIR": "runtime",
    "JUPYTERLAB_SETTINGS_DIR": "settings",
    "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    "IPYTHONDIR": "ipython",
}


class Lab:
    """A server, for as long as the ``with`` block around it.

    Parameters
    ----------
    folder : Path
        Where its notebooks and everything else are.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "notebooks"
        self._home = folder / "home"
        self._log = folder / "server.log"
        self._port = free_port()
        self._token = secrets.token_hex(16)

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True)
        write_settings(self._home / "settings", SETTINGS)
        install_kernels(self._home / "data")
        here = [f"--ServerApp.port={self._port}", f"--ServerApp.root_dir={self.folder}"]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "jupyter", "lab", *OPTIONS, *here, f"--IdentityProvider.token={self._token}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=self._variables(),
            start_new_session=True,  # a Ctrl-C in the terminal is for the tests, who then end the server
        )
        assert self._process.stderr is not None
        self._wait_until_it_serves(self._process.stderr)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._listening.join()

    def _variables(self) -> dict[str, str]:
        # Coverage would slow down the kernels, whose answers to clicks are measured.
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "PYTEST", "JUPYTER"))}
        homes = {name: str(self._home / folder) for name, folder in HOMES.items()}
        return ours | homes | {"JUPYTER_PLATFORM_DIRS": "1", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}

    def _wait_until_it_serves(self, lines: IO[str]) -> None:
        """Read what the server says, all of it, since it would stand still when nobody did."""
        serves = threading.Event()

        def listen() -> None:
            with lines, self._log.open("w", encoding="utf-8") as log:
                for line in lines:
                    log.write(line)
                    log.flush()
                    if "is running at" in line:
                        serves.set()
            serves.set()

        self._listening = threading.Thread(target=listen, daemon=True)
        self._listening.start()
        serves.wait(60)
        assert "is running at" in self.log, self.log

    @property
    def log(self) -> str:
        """What the server and its kernels said so far."""
        return self._log.read_text("utf-8")

    @contextlib.contextmanager
    def theme(self, name: str) -> Iterator[None]:
        """Let pages that are opened within have this theme."""
        write_settings(self._home / "settings", {THEMES: {"theme": name}})
        try:
            yield
        finally:
            write_settings(self._home / "settings", {THEMES: {}})

    def url(self, path: str, app: App) -> str:
        """Give the address of a notebook."""
        return f"http://{HOST}:{self._port}/{PAGES[app].format(path=path, token=self._token)}"


def free_port() -> int:
    with socket.socket() as found:
        found.bind((HOST, 0))
        port: int = found.getsockname()[1]
        return port


def write_settings(folder: Path, settings: Settings) -> None:
    for name, values in settings.items():
        path = folder / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values), encoding="utf-8")
