"""How a run looks while it goes on: a bar on a terminal, a line every few seconds in a log."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

LINE_SECONDS = 5.0


class Screen:
    """The listener of the command line (boardproof_host.runs.listener.Listener); everything goes to standard error.

    Args:
        quiet: say nothing but notes.
    """

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._total = 0
        self._started = self._said = 0.0
        self._update: object = None

    def step(self, name: str, what: str) -> None:
        """A step begins."""
        if not self._quiet:
            print(f"== {name}: {what}", file=sys.stderr, flush=True)

    def note(self, text: str) -> None:
        """Something that the user should know."""
        print(f"warning: {text}", file=sys.stderr, flush=True)

    @contextmanager
    def streaming(self, total: int) -> Iterator[None]:
        """Around the stream of `total` images."""
        self._total, self._started = total, time.monotonic()
        self._said = self._started
        if self._quiet or not sys.stderr.isatty():
            yield
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("streaming"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
        )
        with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bar:
            task = bar.add_task("streaming", total=total, rate="")
            self._update = lambda done: bar.update(task, completed=done, rate=self._rate(done))
            yield
            self._update = None

    def progress(self, done: int) -> None:
        """So many images are answered."""
        if callable(self._update):
            self._update(done)
            return
        now = time.monotonic()
        if self._quiet or now - self._said < LINE_SECONDS:
            return
        self._said = now
        print(
            f"streaming: {done:,} of {self._total:,} images, {self._rate(done)}", file=sys.stderr, flush=True
        )

    def _rate(self, done: int) -> str:
        seconds = time.monotonic() - self._started
        return f"{done / seconds:,.0f}/s" if seconds > 0.5 else ""
