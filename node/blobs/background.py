"""An event loop in a thread of its own, for those whose callers wait for nothing."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Self, TypeVar

T = TypeVar("T")


class Background:
    """A loop that runs until the context ends; what still runs in it then is cancelled."""

    def __init__(self, name: str) -> None:
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._ready: Future[asyncio.AbstractEventLoop] = Future()

    def __enter__(self) -> Self:
        self._thread.start()
        self.loop = self._ready.result()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something in the loop and wait for what comes of it."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def _run(self) -> None:
        asyncio.run(self._wait())

    async def _wait(self) -> None:
        self._stopped = asyncio.Event()
        self._ready.set_result(asyncio.get_running_loop())
        await self._stopped.wait()
