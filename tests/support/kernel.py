"""A real IPython kernel in its own process, spoken to as a front end does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

Message = dict[str, Any]


@dataclass
class Ran:
    """What came of one execute request; `messages` are all that it published."""

    reply: Message
    messages: list[Message] = field(default_factory=list)

    @property
    def outputs(self) -> list[Message]:
        """The cell's outputs as a notebook would save them, updates applied."""
        saved: list[Message] = []
        places: dict[str, Message] = {}
        for message in self.messages:
            kind, content = message["msg_type"], message["content"]
            display_id = content.get("transient", {}).get("display_id")
            if kind == "update_display_data":
                places[display_id].update(
                    data=content["data"], metadata=content["metadata"]
                )
            elif (
                kind == "stream" and saved and saved[-1].get("name") == content["name"]
            ):
                saved[-1]["text"] += content["text"]
            elif kind in ("stream", "display_data", "execute_result", "error"):
                saved.append({"output_type": kind, **content})
                if display_id:
                    places[display_id] = saved[-1]
        return saved

    @property
    def ok(self) -> bool:
        """Whether the reply says so."""
        return bool(self.reply["status"] == "ok")

    @property
    def plain(self) -> str:
        """All text/plain and streams, in order."""
        parts = [
            o.get("text", o.get("data", {}).get("text/plain")) for o in self.outputs
        ]
        return "\n".join(part for part in parts if part is not None)

    @property
    def stderr(self) -> str:
        """What the cell wrote to stderr."""
        return "".join(o["text"] for o in self.outputs if o.get("name") == "stderr")

    @property
    def error(self) -> Message:
        """The one error output."""
        (error,) = [o for o in self.outputs if o["output_type"] == "error"]
        return error


class Kernel:
    """One running kernel. Times are in seconds."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self._manager = manager
        self._client = client

    def run(
        self,
        code: str,
        *,
        store_history: bool = True,
        timeout: float = 60,
        meanwhile: Callable[[Message], None] | None = None,
    ) -> Ran:
        """Execute a cell; `meanwhile` sees each message as it comes."""
        msg_id = self._client.execute(code, store_history=store_history)
        messages: list[Message] = []
        deadline = time.monotonic() + timeout
        while True:
            message = self._client.get_iopub_msg(
                timeout=max(0.1, deadline - time.monotonic())
            )
            if message["parent_header"].get("msg_id") != msg_id:
                continue
            if (
                message["msg_type"] == "status"
                and message["content"]["execution_state"] == "idle"
            ):
                break
            messages.append(message)
            if meanwhile is not None:
                meanwhile(message)
        while True:
            reply = self._client.get_shell_msg(timeout=timeout)
            if reply["parent_header"].get("msg_id") == msg_id:
                return Ran(reply["content"], messages)

    def value(self, expression: str) -> str:
        """Return the repr of an expression in the kernel, without history."""
        msg_id = self._client.execute(
            "", silent=True, user_expressions={"value": f"({expression})"}
        )
        while True:
            reply = self._client.get_shell_msg(timeout=60)
            if reply["parent_header"].get("msg_id") == msg_id:
                found = reply["content"]["user_expressions"]["value"]
                assert found["status"] == "ok", found
                return str(found["data"]["text/plain"])

    def complete(self, code: str, at: int | None = None) -> list[str]:
        """Return the completions at a position, the end by default."""
        place = len(code) if at is None else at
        reply = self._client.complete(code, place, reply=True, timeout=60)
        assert reply is not None
        return list(reply["content"]["matches"])

    def inspect(self, code: str) -> str:
        """Return what `?` shows."""
        reply = self._client.inspect(code, len(code), reply=True, timeout=60)
        assert reply is not None
        return str(reply["content"]["data"].get("text/plain", ""))

    def interrupt(self) -> None:
        """Press the stop button."""
        self._manager.interrupt_kernel()


@contextmanager
def running_kernel() -> Iterator[Kernel]:
    """Start a kernel in the test's environment, and end it."""
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        yield Kernel(manager, client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()
