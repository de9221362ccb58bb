"""Outputs of oracles on disk, found by what they were computed from."""

import contextlib
import hashlib
import io
import logging
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_LAYOUT = "boardproof.oracle/2"
_DIGEST_BYTES = 32
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class OracleCache:
    """Outputs of one model over one set of inputs.

    A file is an .npy array followed by the SHA-256 of that array's bytes, so that NumPy can read it as it is and
    damage anywhere in it shows. It is written beside its place and moved there, so that it is whole or absent.
    """

    folder: Path
    digests: tuple[str, ...]  # SHA-256 of the model and of the inputs, and what else tells runs apart

    def read(self, name: str, key: tuple[str, ...], shape: tuple[int, int]) -> NDArray[np.uint8] | None:
        """The oracle's outputs, uint8 of `shape`, or None where they are absent, damaged or of another shape."""
        try:
            content = self._path(name, key).read_bytes()
            array, digest = content[:-_DIGEST_BYTES], content[-_DIGEST_BYTES:]
            if hashlib.sha256(array).digest() != digest:
                return None
            outputs = np.load(io.BytesIO(array), allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None
        return outputs if outputs.dtype == np.uint8 and outputs.shape == shape else None

    def write(self, name: str, key: tuple[str, ...], outputs: NDArray[np.uint8]) -> None:
        """Keeps the outputs. A cache that cannot be written costs time later, not this run: it is logged."""
        buffer = io.BytesIO()
        np.save(buffer, outputs)
        array = buffer.getvalue()
        path = self._path(name, key)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=self.folder, prefix=f".{name}-")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(array + hashlib.sha256(array).digest())
                Path(temporary).replace(path)
            except BaseException:
                with contextlib.suppress(OSError):
                    Path(temporary).unlink()
                raise
        except OSError as error:
            _log.warning("the outputs of oracle %s are not cached: %s", name, error)

    def _path(self, name: str, key: tuple[str, ...]) -> Path:
        digest = hashlib.sha256("\0".join((_LAYOUT, *self.digests, name, *key)).encode()).hexdigest()
        return self.folder / f"{name}-{digest[:32]}.npy"
