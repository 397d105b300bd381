"""Draw Vega-Lite charts in a process of its own, which never imports us.

The renderer holds the interpreter's lock for as long as it draws: in the kernel's
process, every call in flight would wait for a picture.
"""

import json
import struct
import subprocess
import sys
import threading
import zlib
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Self

_VERSION = "6.4"  # of Vega-Lite
_SCALE = 1.25  # sharp on most screens, and still small in a notebook file
_SIZE = struct.Struct(">I")
_PATIENCE = 30.0  # a slow machine takes long to start the renderer
_PNG = b"\x89PNG\r\n\x1a\n"
_DRAWN, _FAILED = b"+", b"-"  # how an answer begins


class PaintError(Exception):
    """A specification could not be drawn."""


class Painter:
    """Draws one picture after the other; safe to share between threads.

    Attributes
    ----------
    patience
        Seconds that a picture may take, the start of the process included; one that
        takes longer is given up, and its process with it.
    """

    def __init__(self) -> None:
        self.patience = _PATIENCE
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()  # one picture at a time
        self._closed = False

    def paint(self, spec: dict[str, Any]) -> bytes:
        """Return a specification's picture as a PNG.

        Raises
        ------
        PaintError
            If it cannot be drawn, or takes too long.
        """
        return _packed(self._made(spec, "png"))

    def svg(self, spec: dict[str, Any]) -> str:
        """Return a specification's picture as an SVG.

        Raises
        ------
        PaintError
            If it cannot be drawn, or takes too long.
        """
        return self._made(spec, "svg").decode("utf-8")

    def bundle(self, source: str) -> str:
        """Return a JavaScript module with the Vega that it imports in it.

        Raises
        ------
        PaintError
            If it cannot be bundled, or takes too long.
        """
        return self._made(source, "bundle").decode("utf-8")

    def close(self) -> None:
        """End the process, and a picture under way; a later one starts another."""
        self._closed = True
        process = self._process
        if process is not None:
            process.kill()
            process.wait()
        # A picture under way has the lock: it abandons the process when it fails.
        if self._lock.acquire(blocking=False):
            try:
                self._abandon()
            finally:
                self._lock.release()

    def __enter__(self) -> "Self":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: "TracebackType | None",
    ) -> None:
        self.close()

    def _made(self, source: dict[str, Any] | str, form: str) -> bytes:
        """Return what the process makes of a specification or a module."""
        message = json.dumps({"source": source, "format": form}).encode()
        with self._lock:
            self._closed = False
            answer = None
            try:
                answer = self._ask(message)
            finally:
                # Of one that failed, was interrupted or closed, nothing is used again.
                if answer is None or self._closed:
                    self._abandon()
        if not answer.startswith(_DRAWN):
            reason = answer.removeprefix(_FAILED).decode("utf-8", "replace")
            raise PaintError(reason.splitlines()[0])
        return answer.removeprefix(_DRAWN)

    def _ask(self, message: bytes) -> bytes:
        """Return what the process answers, which is ended if it takes too long."""
        patience, late = self.patience, threading.Event()
        try:
            process = self._running()
            with _limited(process, patience, late):
                assert process.stdin is not None  # noqa: S101 -- both are pipes
                assert process.stdout is not None  # noqa: S101
                _send(process.stdin, message)
                drawn = _receive(process.stdout)
        except OSError as error:
            reason, drawn = str(error), None
        else:
            reason = "the process that draws ended"
        if late.is_set():
            reason, drawn = f"no picture within {patience:g} seconds", None
        if drawn is None:
            raise PaintError(reason)
        return drawn

    def _abandon(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is not None and self._process.poll() is not None:
            self._abandon()
        if self._process is None:
            self._process = subprocess.Popen(  # noqa: S603 -- this very file
                [sys.executable, "-P", __file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # an interrupt is for the kernel alone
            )
        return self._process


@contextmanager
def _limited(
    process: "subprocess.Popen[bytes]", seconds: float, late: threading.Event
) -> "Iterator[None]":
    """Kill a process when its time is over, which ends all waiting for it."""

    def end() -> None:
        late.set()
        process.kill()

    watchdog = threading.Timer(seconds, end)
    watchdog.name, watchdog.daemon = "costroute-painter", True
    watchdog.start()
    try:
        yield
    finally:
        watchdog.cancel()


def _send(stream: IO[bytes], message: bytes) -> None:
    stream.write(_SIZE.pack(len(message)) + message)
    stream.flush()


def _receive(stream: IO[bytes]) -> bytes | None:
    head = stream.read(_SIZE.size)
    if len(head) < _SIZE.size:
        return None
    (size,) = _SIZE.unpack(head)
    message = stream.read(size)
    return message if len(message) == size else None


def _packed(png: bytes) -> bytes:
    """Return a PNG a third as large: the renderer packs its pixels in haste."""
    chunks, pixels, at = [], [], len(_PNG)
    while at < len(png):
        (size,) = _SIZE.unpack_from(png, at)
        kind, body = png[at + 4 : at + 8], png[at + 8 : at + 8 + size]
        at += 12 + size
        if kind == b"IDAT":
            pixels.append(body)
        else:
            chunks.append((kind, body))
    packed = zlib.compress(zlib.decompress(b"".join(pixels)), 6)
    chunks.insert(-1, (b"IDAT", packed))
    return _PNG + b"".join(
        _SIZE.pack(len(body)) + kind + body + _SIZE.pack(zlib.crc32(kind + body))
        for kind, body in chunks
    )


def _answer(message: bytes) -> bytes:
    asked = json.loads(message)
    try:
        return _DRAWN + draw(asked["source"], asked["format"])
    except Exception as error:  # whatever it is, the next picture may be drawn
        return _FAILED + (str(error).strip() or "no reason given").encode()


def draw(source: Any, form: str) -> bytes:
    """Return what a painter would, in this process: all its threads wait meanwhile.

    Parameters
    ----------
    source
        A specification, or a JavaScript module.
    form
        `png` or `svg` of a specification, or the `bundle` of a module.
    """
    import vl_convert

    if form == "bundle":
        return vl_convert.javascript_bundle(source, vl_version=_VERSION).encode()
    if form == "svg":
        return vl_convert.vegalite_to_svg(source, vl_version=_VERSION).encode()
    return bytes(vl_convert.vegalite_to_png(source, vl_version=_VERSION, scale=_SCALE))


def _serve() -> None:
    """Answer each specification with a picture, or with why there is none."""
    while (message := _receive(sys.stdin.buffer)) is not None:
        _send(sys.stdout.buffer, _answer(message))


if __name__ == "__main__":
    _serve()
