"""Draw Vega-Lite specifications as PNG in a process of its own, which never imports us.

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

_SCALE = 1.25  # sharp on most screens, and still small in a notebook file
_SIZE = struct.Struct(">I")
_PATIENCE = 30.0  # a slow machine takes long to start the renderer
_PNG = b"\x89PNG\r\n\x1a\n"


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
        """Return a specification's picture.

        Raises
        ------
        PaintError
            If it cannot be drawn, or takes too long.
        """
        message = json.dumps(spec).encode()
        with self._lock:
            self._closed = False
            drawn = None
            try:
                drawn = self._ask(message)
            finally:
                # Of one that failed, was interrupted or closed, nothing is used again.
                if drawn is None or self._closed:
                    self._abandon()
        if not drawn.startswith(_PNG):
            raise PaintError(drawn.decode("utf-8", "replace").splitlines()[0])
        return _packed(drawn)

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


def _draw(message: bytes) -> bytes:
    import vl_convert

    try:
        return bytes(
            vl_convert.vegalite_to_png(
                json.loads(message), vl_version="6.4", scale=_SCALE
            )
        )
    except Exception as error:  # whatever it is, the next picture may be drawn
        return str(error).encode() or b"no reason given"


def _serve() -> None:
    """Answer each specification with a picture, or with why there is none."""
    while (message := _receive(sys.stdin.buffer)) is not None:
        _send(sys.stdout.buffer, _draw(message))


if __name__ == "__main__":
    _serve()
