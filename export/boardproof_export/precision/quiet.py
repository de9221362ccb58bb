"""C++ code's words kept off the terminal: TensorFlow's, LiteRT's and the converter's."""

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator


@contextlib.contextmanager
def hidden_output(*, diagnose: bool = True) -> Iterator[None]:
    """Keeps stderr away from the terminal, C++ code's included; an exception brings it back, unless its own words say
    as much.

    Python's own handles are no help: TensorFlow and the converter write to file descriptor 2.
    """
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as captured:
        os.dup2(captured.fileno(), 2)
        try:
            yield
        except Exception:
            _restore(saved)
            captured.seek(0)
            if diagnose:
                shutil.copyfileobj(captured, os.fdopen(os.dup(2), "wb"))
            raise
        except BaseException:  # Ctrl-C: nothing to diagnose
            _restore(saved)
            raise
        else:
            _restore(saved)


def _restore(saved: int) -> None:
    sys.stderr.flush()
    os.dup2(saved, 2)
    os.close(saved)
