"""One notebook in a real browser: run cells, read what they show, press Stop.

Cells are counted from 0, Markdown cells included. Every request that would leave the
machine is aborted and recorded, and so is every error of the page::

    with jupyter.open(notebook, app="lab", theme="dark") as lab:
        lab.run_all()
        assert "cache miss" in lab.text(3)
        assert lab.external_requests == []
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, Literal
from urllib.parse import urlsplit

import nbformat
from playwright.sync_api import Browser, ElementHandle, Page, Route, WebSocket

Output = dict[str, Any]
Theme = Literal["light", "dark"]

THEMES: dict[Theme, str] = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}

_SCRIPT = Path(__file__).with_name("lab.js")
_TIMEOUT = 120.0  # seconds; a loaded machine takes long to draw a first page
_WIDTH, _HEIGHT = 1280, 900
_TALLEST = 12_000
# A notebook with `1 + 1` has this error in Notebook 7.6, too.
_KNOWN_ERRORS = ("Cannot read properties of undefined (reading 'schema')",)


class Lab:
    """A notebook open in JupyterLab or Notebook 7, with a kernel of its own.

    Parameters
    ----------
    browser
        The browser that shows it.
    address
        The URL that opens it.
    file
        Where the server keeps it; `save` writes there.

    Attributes
    ----------
    page_errors
        Uncaught errors of the page, apart from those that every notebook has.
    external_requests
        What was asked of other machines, and refused.
    """

    def __init__(self, browser: Browser, address: str, file: Path) -> None:
        self._browser = browser
        self._address = address
        self.file = file
        self.page_errors: list[str] = []
        self.external_requests: list[str] = []
        self.page = self._open()

    def __enter__(self) -> Lab:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the kernel and close the page, saved or not."""
        try:
            self.page.evaluate("lab.endKernel()")
        finally:
            self.page.context.close()

    def code_cells(self) -> list[int]:
        """Return the positions of the code cells that hold something."""
        return list(self.page.evaluate("lab.codeCells()"))

    def source(self, cell: int) -> str:
        """Return what a cell says."""
        return str(self.page.evaluate("i => lab.source(i)", cell))

    def start_cell(self, cell: int) -> None:
        """Press Ctrl+Enter in a cell, and do not wait."""
        self.page.evaluate("i => lab.beforeStart(i)", cell)
        self.page.keyboard.press("Control+Enter")

    def run_cell(self, cell: int, timeout: float = _TIMEOUT) -> str:
        """Press Ctrl+Enter in a cell; return what it shows when it has ended."""
        self.start_cell(cell)
        self.wait_until_ended(cell, timeout)
        return self.text(cell)

    def has_ended(self, cell: int) -> bool:
        """Whether a cell that was started has run to its end."""
        return bool(self.page.evaluate("i => lab.hasEnded(i)", cell))

    def wait_until_ended(self, cell: int, timeout: float = _TIMEOUT) -> None:
        """Wait until a cell that was started has run to its end."""
        self.wait_for("i => lab.hasEnded(i)", cell, timeout)

    def run_all(self, timeout: float = _TIMEOUT) -> None:
        """Choose Run All Cells; return when the last one that runs has ended."""
        self.page.evaluate("lab.runAll()")
        self.wait_for("() => lab.allEnded()", timeout=timeout)
        for cell in self.code_cells():
            self._settle(cell)

    def text(self, cell: int) -> str:
        """Return the text that is seen of a cell's outputs, or of its Markdown."""
        self._settle(cell)
        return str(self.page.evaluate("i => lab.text(i)", cell))

    def wait_for_text(self, cell: int, text: str, timeout: float = _TIMEOUT) -> None:
        """Wait until a cell shows a text."""
        self.wait_for("([i, t]) => lab.text(i).includes(t)", [cell, text], timeout)

    def outputs(self, cell: int) -> list[Output]:
        """Return a cell's outputs as the notebook holds them."""
        return list(self.page.evaluate("i => lab.outputs(i)", cell))

    def formulas(self) -> list[str]:
        """Return the paragraphs in which something was typeset as mathematics."""
        return list(self.page.evaluate("lab.formulas()"))

    def contrasts(self, cell: int) -> list[dict[str, Any]]:
        """Return each text of a cell's outputs with its WCAG contrast `ratio`."""
        self._settle(cell)
        return list(self.page.evaluate("i => lab.contrasts(i)", cell))

    def overflows(self, cell: int) -> bool:
        """Whether a cell's outputs are wider than their place."""
        return bool(self.page.evaluate("i => lab.overflows(i)", cell))

    def choose_theme(self, theme: Theme) -> None:
        """Choose a theme for the page as it is."""
        self.page.evaluate("name => lab.chooseTheme(name)", THEMES[theme])

    def interrupt(self) -> None:
        """Press the toolbar's Stop button."""
        self.page.locator(
            "[data-jp-item-name='interrupt'] :is(button, jp-button)"
        ).first.click()

    def type_and_complete(self, cell: int, text: str) -> list[str]:
        """Replace a cell's source by typing, press TAB, return what is offered."""
        self.page.evaluate("i => lab.edit(i)", cell)
        keyboard = self.page.keyboard
        keyboard.press("Control+a")
        keyboard.type(text)
        keyboard.press("Tab")
        offered = self.page.locator(".jp-Completer:visible .jp-Completer-match")
        offered.first.wait_for()
        found = offered.all_inner_texts()
        keyboard.press("Escape")
        return found

    def screenshot(
        self, path: Path, cell: int | None = None, *, full: bool = False
    ) -> None:
        """Take a picture of the page, of one cell, or of all that can be scrolled to."""
        if cell is not None:
            self._settle(cell)
            self.node(cell).screenshot(path=path)
        elif full:
            height = self.page.evaluate("lab.fullHeight()")
            self._resize(min(max(height, _HEIGHT), _TALLEST))
            self.page.screenshot(path=path)
            self._resize(_HEIGHT)
        else:
            self.page.screenshot(path=path)

    def save(self) -> nbformat.NotebookNode:
        """Save the notebook, and return what is on the disk then."""
        self.page.evaluate("lab.save()")
        return nbformat.read(self.file, as_version=4)

    def reopen(self) -> None:
        """End page and kernel, and open the notebook as it was saved."""
        self.close()
        self.page = self._open()

    def wait_for(
        self, condition: str, argument: Any = None, timeout: float = _TIMEOUT
    ) -> None:
        """Wait until JavaScript in the page is true."""
        self.page.wait_for_function(condition, arg=argument, timeout=timeout * 1000)

    def _open(self) -> Page:
        context = self._browser.new_context(
            viewport={"width": _WIDTH, "height": _HEIGHT}, service_workers="block"
        )
        context.set_default_timeout(_TIMEOUT * 1000)
        context.add_init_script(path=_SCRIPT)
        context.route("**/*", self._pass_local)
        page = context.new_page()
        page.on("pageerror", self._note_error)
        page.on("websocket", self._note_socket)
        page.goto(self._address, wait_until="domcontentloaded")
        page.wait_for_function("() => lab.ready()")
        page.evaluate("lab.makeRoom()")
        page.evaluate("lab.watch()")
        return page

    def _pass_local(self, route: Route) -> None:
        if _is_local(route.request.url):
            route.continue_()
        else:
            self.external_requests.append(route.request.url)
            route.abort("internetdisconnected")

    def _note_socket(self, socket: WebSocket) -> None:
        if not _is_local(socket.url):
            self.external_requests.append(socket.url)

    def _note_error(self, error: Exception) -> None:
        if str(error) not in _KNOWN_ERRORS:
            self.page_errors.append(str(error))

    def _settle(self, cell: int) -> None:
        """Wait until a cell's outputs are drawn and have stopped changing."""
        self.wait_for("i => lab.isSettled(i)", cell)

    def node(self, cell: int) -> ElementHandle:
        """Return the element of a cell, scrolled into view."""
        node = self.page.evaluate_handle("i => lab.node(i)", cell).as_element()
        assert node is not None
        node.scroll_into_view_if_needed()
        return node

    def _resize(self, height: int) -> None:
        self.page.set_viewport_size({"width": _WIDTH, "height": height})
        self.page.evaluate("lab.nextFrame()")


def _is_local(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("data", "blob") or parts.hostname in (
        "127.0.0.1",
        "localhost",
    )
