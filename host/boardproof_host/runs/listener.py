"""Who wants to know how a run goes on: the command line draws a bar, the API and tests are silent."""

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Listener(Protocol):
    """Told of a run's progress; none of it is needed for the result."""

    def step(self, name: str, what: str) -> None:
        """A step begins: train, convert, build, run."""

    def note(self, text: str) -> None:
        """Something that the user should know."""

    def streaming(self, total: int) -> AbstractContextManager[None]:
        """Around the stream of `total` images."""

    def progress(self, done: int) -> None:
        """So many images are answered."""


class Silent:
    """Listens to nothing."""

    def step(self, name: str, what: str) -> None:
        """See Listener."""

    def note(self, text: str) -> None:
        """See Listener."""

    def streaming(self, total: int) -> AbstractContextManager[None]:
        """See Listener."""
        return nullcontext()

    def progress(self, done: int) -> None:
        """See Listener."""
