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
from typing import IO, Any

_SCALE = 1.25  # sharp on most screens, and still small in a notebook file
_SIZE = struct.Struct(">I")
_PNG = b"\x89PNG\r\n\x1a\n"


class PaintError(Exception):
    """A specification could not be drawn."""


class Painter:
    """Draws one picture after the other; safe to share between threads."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def paint(self, spec: dict[str, Any]) -> bytes:
        """Return a specification's picture.

        Raises
        ------
        PaintError
            If it cannot be drawn.
        """
        with self._lock:
            try:
                drawn = self._ask(json.dumps(spec).encode())
            except OSError as error:
                raise PaintError(str(error)) from error
            except BaseException:  # an interrupt: the answer belongs to nobody
                self._abandon()
                raise
        if drawn is None:
            message = "the process that draws ended"
            raise PaintError(message)
        if not drawn.startswith(_PNG):
            raise PaintError(drawn.decode("utf-8", "replace").splitlines()[0])
        return _packed(drawn)

    def close(self) -> None:
        """End the process; a later picture starts another one."""
        with self._lock:
            self._abandon()

    def _ask(self, message: bytes) -> bytes | None:
        process = self._running()
        assert process.stdin is not None  # noqa: S101 -- both are pipes
        assert process.stdout is not None  # noqa: S101
        _send(process.stdin, message)
        return _receive(process.stdout)

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
