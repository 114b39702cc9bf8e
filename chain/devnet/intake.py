"""Between the event loop and the thread of the chain: what comes meanwhile is taken together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

from chain.devnet import envelope
from chain.devnet.desk import Job
from chain.devnet.errors import LimitExceeded
from chain.devnet.subscriptions import Notice, Session

Run = Callable[[Sequence[Job]], tuple[list[bytes | None], list[Notice]]]
Reply = asyncio.Future[bytes | None]


class Intake:
    """Hands messages to `run` in a thread of its own; an asynchronous context manager.

    While a round runs, the next one gathers: under load rounds grow and so do blocks. `tell`
    receives notices in the loop. Messages beyond `waiting_bytes` are refused, so that memory is
    bounded whatever the clients do. Leaving the context waits for all that was submitted.
    """

    def __init__(
        self, run: Run, tell: Callable[[Session, bytes], None], *, waiting_bytes: int
    ) -> None:
        self._run = run
        self._tell = tell
        self._most_bytes = waiting_bytes
        self._bytes = 0
        self._waiting: list[tuple[Job, Reply]] = []
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="chain")
        self._is_running = False
        self._idle = asyncio.Event()
        self._idle.set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._idle.wait()
        self._executor.shutdown()

    def submit(self, body: bytes, session: Session | None = None) -> Reply:
        """Return the future answer to a message, None where it wants none."""
        reply: Reply = asyncio.get_running_loop().create_future()
        if self._bytes + len(body) > self._most_bytes:
            refusal = LimitExceeded(
                "server is busy", expected=f"at most {self._most_bytes} bytes", got="more"
            )
            reply.set_result(envelope.encode(envelope.answer_error(refusal)))
            return reply
        self._bytes += len(body)
        self._waiting.append((Job(body, session), reply))
        if not self._is_running:
            self._start()
        return reply

    def _start(self) -> None:
        taken, self._waiting = self._waiting, []
        self._is_running = True
        self._idle.clear()
        running = asyncio.get_running_loop().run_in_executor(
            self._executor, self._run, [job for job, _ in taken]
        )
        running.add_done_callback(lambda done: self._finish(taken, done))

    def _finish(
        self,
        taken: Sequence[tuple[Job, Reply]],
        done: asyncio.Future[tuple[list[bytes | None], list[Notice]]],
    ) -> None:
        self._bytes -= sum(len(job.body) for job, _ in taken)
        self._is_running = False
        if self._waiting:
            self._start()
        else:
            self._idle.set()
        error = done.exception()
        replies = [reply for _, reply in taken]
        if error is not None:
            for reply in replies:
                if not reply.done():
                    reply.set_exception(error)
            return
        answers, notices = done.result()
        for reply, answer in zip(replies, answers, strict=True):
            # Whoever went away meanwhile has cancelled its reply.
            if not reply.done():
                reply.set_result(answer)
        for session, text in notices:
            self._tell(session, text)
