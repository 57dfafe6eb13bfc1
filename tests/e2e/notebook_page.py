"""A notebook in a browser tab, driven as a person drives it: click a cell, press Ctrl-Enter, look, press stop.

Whatever could open a dialog is clicked, never called: a call would wait for the dialog that nobody answers.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import nbformat
from playwright.sync_api import expect

from tests.e2e.browser import HOST
from tests.e2e.team import MODULE

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import BrowserContext, ConsoleMessage, Dialog, Locator, Page, Request

    from tests.e2e.lab import App, Lab

NAME = "run.ipynb"
TIMEOUT_MS = 20_000
"""How long a page may take for anything."""
MESSAGE_KIND = re.compile(rb'"msg_type": ?"([a-z_]+)"')
MESSAGE_DATE = re.compile(rb'"date": ?"([^"]+)"')
DONE = re.compile(r"\[\d+\]")
BUSY = re.compile(r"\[\*\]")
IDLE = """() => {
    const kernel = window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel;
    return kernel?.connectionStatus === "connected" && kernel.status === "idle";
}"""
# A kernel that has just come up now and then hears nothing, at any notebook; it is started again until it replies.
ANSWERS = """async ([n_times, each_ms]) => {
    const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
    const inTime = work => Promise.race([
        work.then(() => true, () => false), new Promise(give_up => setTimeout(() => give_up(false), each_ms))]);
    for (let n = 0; n < n_times; n++) {
        if (await inTime(kernel.requestKernelInfo())) return;
        await inTime(kernel.restart());
    }
    throw new Error("the kernel does not answer");
}"""
# What the applications say of themselves, with any notebook.
USUAL_COMPLAINTS = re.compile(
    r"Cannot read properties of undefined \(reading 'schema'\)"
    r"|Command 'filebrowser:open-path' not registered"
    r"|Failed to load resource: .* 403 \(Forbidden\) \S+\.woff"  # fonts for formulas
)
ASK = """async ([code, timeout_ms]) => {
    const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
    const asked = kernel.requestExecute({code: "", user_expressions: {it: code}, store_history: false, silent: true});
    const late = new Promise((_, give_up) => setTimeout(() => give_up(new Error(`no reply: ${code}`)), timeout_ms));
    const it = (await Promise.race([asked.done, late])).content.user_expressions.it;
    return it.status === "ok" ? it.data["text/plain"] : `${it.ename}: ${it.evalue}`;
}"""
SHUT_DOWN = "() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()"
# Pictures are images (SVG as data) when they are static, and parts of the page when they are live.
SHOWS = """([output, wanted]) => {
    const images = [...output.querySelectorAll("img[src^='data:image/svg+xml']")];
    const texts = images.map(image => decodeURIComponent(image.src.slice(image.src.indexOf(",") + 1)));
    const pictures = texts.map(text => new DOMParser().parseFromString(text, "image/svg+xml"));
    return [output, ...pictures].some(picture => Object.entries(wanted).every(([agent, state]) =>
        picture.querySelector(`[data-node="${agent}"][data-state="${state}"]`)));
}"""


class Message(NamedTuple):
    """A message of the kernel to the page.

    Parameters
    ----------
    kind : str
        Its type, such as ``"comm_msg"``.
    at : datetime
        When it was sent.
    n_bytes : int
        How large it is.
    """

    kind: str
    at: datetime
    n_bytes: int


class NotebookPage:
    """A notebook that is open in a browser.

    Parameters
    ----------
    lab : Lab
        Who serves it.
    context : BrowserContext
        Where its tab is opened.
    folder : Path
        Where it lives, below the folder of the server.
    app : {"lab", "notebook"}
        JupyterLab or Notebook 7.
    kernel : str
        The kernel that it asks for.
    """

    def __init__(self, lab: Lab, context: BrowserContext, folder: Path, *, app: App, kernel: str) -> None:
        self.app = app
        self.folder = folder
        self.kernel = kernel
        self.complaints: list[str] = []
        self.strangers: list[str] = []
        self.dialogs: list[str] = []
        self.messages: list[Message] = []
        self.page: Page
        self._lab = lab
        self._context = context

    # ------------------------------------------------------------------------------------------------ open and close

    def write(self, *cells: str, module: str = MODULE) -> NotebookPage:
        """Write a notebook of these code cells, with the module ``team`` beside it, and open it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "team.py").write_text(module, encoding="utf-8")
        spec = {"name": self.kernel, "display_name": self.kernel, "language": "python"}
        made = [nbformat.v4.new_code_cell(each) for each in cells]
        nbformat.write(nbformat.v4.new_notebook(cells=made, metadata={"kernelspec": spec}), self.folder / NAME)
        return self.open()

    def open(self) -> NotebookPage:
        """Open the notebook in a new tab, and wait until its kernel can be asked."""
        self.page = self._context.new_page()
        self.page.on("console", self._note_console)
        self.page.on("pageerror", lambda error: self._note_complaint(str(error)))
        self.page.on("dialog", self._note_dialog)
        self.page.on("request", self._note_stranger)
        self.page.on("websocket", lambda socket: socket.on("framereceived", self._note_message))
        path = (self.folder / NAME).relative_to(self._lab.folder).as_posix()
        self.page.goto(self._lab.url(path, self.app))
        self.wait_until_idle()
        return self

    def close(self) -> None:
        """Close the tab; the kernel goes on."""
        self.page.close()

    def shut_down(self) -> None:
        """End the kernel and close the tab."""
        self.page.evaluate(SHUT_DOWN)
        self.close()

    def _note_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._note_complaint(f"{message.text} {message.location['url']}".strip())

    def _note_complaint(self, text: str) -> None:
        if not USUAL_COMPLAINTS.match(text):
            self.complaints.append(text)

    def _note_dialog(self, dialog: Dialog) -> None:
        """Note what a page should never do, and let it go on: an open dialog would stop it for good."""
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def _note_message(self, frame: str | bytes) -> None:
        """Note what the kernel sends to the page; each frame holds one message."""
        data = frame.encode() if isinstance(frame, str) else frame
        kind, sent_at = MESSAGE_KIND.search(data), MESSAGE_DATE.search(data)
        if kind and sent_at:
            self.messages.append(Message(kind[1].decode(), datetime.fromisoformat(sent_at[1].decode()), len(data)))

    def _note_stranger(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in {"data", "blob"} and address.hostname != HOST:
            self.strangers.append(request.url)

    def shoot(self, path: Path) -> None:
        """Take a picture of what is seen, with the newest live view in the middle if there is one."""
        for view in self.page.locator(".mars-live").all()[-1:]:
            view.scroll_into_view_if_needed()
        self.page.screenshot(path=path)

    # --------------------------------------------------------------------------------------------------------- cells

    def cell(self, position: int) -> Locator:
        """Give a cell."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(position)

    def output(self, position: int) -> Locator:
        """Give all that a cell shows."""
        return self.cell(position).locator(".jp-OutputArea").first

    def start(self, position: int) -> Locator:
        """Run a cell and do not wait for its end; give what it shows."""
        self.cell(position).locator(".jp-InputArea-editor").click()
        self.page.keyboard.press("Escape")
        self.page.keyboard.press("Control+Enter")
        return self.output(position)

    def run(self, position: int) -> Locator:
        """Run a cell to its end; give what it shows."""
        before = self.prompt(position).inner_text()
        output = self.start(position)
        expect(self.prompt(position)).not_to_have_text(before)
        return self.finished(position, output)

    def finished(self, position: int, output: Locator | None = None) -> Locator:
        """Wait until a cell that was started is over; give what it shows."""
        expect(self.prompt(position)).to_have_text(DONE)
        return output or self.output(position)

    def wait_for(self, output: Locator, **states: str) -> None:
        """Wait until a picture shows these agents in these states."""
        self.page.wait_for_function(SHOWS, arg=[output.element_handle(), states])

    def prompt(self, position: int) -> Locator:
        return self.cell(position).locator(".jp-InputPrompt").first

    def write_cell(self, position: int, text: str) -> None:
        """Type another text into a cell, in place of what it holds."""
        self.cell(position).locator(".cm-content").fill(text)

    # -------------------------------------------------------------------------------------------------------- kernel

    def wait_until_idle(self) -> None:
        self.page.wait_for_function(IDLE, timeout=60_000)
        self.page.evaluate(ANSWERS, [4, 5_000])
        self.page.wait_for_function(IDLE)

    def ask(self, expression: str) -> str:
        """Give the ``repr`` of an expression in the kernel, which has to be idle."""
        return str(self.page.evaluate(ASK, [expression, TIMEOUT_MS]))

    def press_stop(self) -> None:
        """Press the stop button of the toolbar."""
        self.page.locator("[data-command='notebook:interrupt-kernel']").first.click()

    def restart(self) -> None:
        """Press the restart button of the toolbar, and say yes."""
        self.page.locator("[data-command='notebook:restart-kernel']").first.click()
        self.page.locator(".jp-Dialog .jp-mod-accept").click()
        self.page.wait_for_function(f"() => !({IDLE})()")
        self.wait_until_idle()

    # --------------------------------------------------------------------------------------------------------- files

    def let(self, *agents: str) -> None:
        """Let gated agents give their replies."""
        for agent in agents:
            (self.folder / f"go-{agent}").touch()

    def hold(self, agent: str) -> None:
        """Let a gated agent wait from now on."""
        (self.folder / f"go-{agent}").unlink(missing_ok=True)

    def save(self) -> Any:
        """Save the notebook as a person does; give what was written."""
        with self.page.expect_response(lambda answer: answer.request.method == "PUT" and NAME in answer.url) as saved:
            self.page.keyboard.press("Control+s")
        assert saved.value.ok
        return json.loads((self.folder / NAME).read_text("utf-8"))
