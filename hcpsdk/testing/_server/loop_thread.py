"""A thread that runs an event loop. Imports nothing of the emulator."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


class LoopThread:
    """An event loop that runs in one background thread from `start()` to `stop()`.

    The thread is a daemon, so that a program without `stop()` can end; `HCP` registers an exit
    handler that stops it in an orderly way.
    """

    def __init__(self, name: str) -> None:
        # Always the selector loop: the nodes use add_reader(), which the default loop of Windows
        # does not have.
        self.loop = asyncio.SelectorEventLoop()
        self._executor = ThreadPoolExecutor(max_workers=4, thread_name_prefix=name)
        self._thread = threading.Thread(target=self._main, name=name, daemon=True)

    def start(self) -> None:
        self.loop.set_default_executor(self._executor)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run *coroutine* in the loop and return its result. Any thread may call."""
        if not self._thread.is_alive():
            coroutine.close()
            raise RuntimeError("this HCP was stopped; start it first")
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result()

    def stop(self) -> None:
        """End the thread and close the loop."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()

    def _main(self) -> None:
        try:
            self.loop.run_forever()
        finally:
            # Not loop.shutdown_default_executor(): that starts a thread, which is not
            # possible at interpreter exit.
            self._executor.shutdown()
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())
            self.loop.close()
