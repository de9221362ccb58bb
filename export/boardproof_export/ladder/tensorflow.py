"""TensorFlow without its noise: the one place that imports it, and only train and convert call it."""

import logging
import os
from typing import Any

from boardproof_export.precision.quiet import hidden_output
from boardproof_export.shared.errors import ToolMissingError

_THREADS = 2


def import_tensorflow() -> Any:
    """Imports TensorFlow, on the CPU and quiet; takes some seconds.

    The CPU, because the model is small and because a GPU's sums are not reproducible.

    Returns:
        The `tensorflow` module; its `keras` runs on TensorFlow whatever the user's Keras settings say.

    Raises:
        ToolMissingError: it is not installed, or does not load on this machine.
    """
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.pop("TF_USE_LEGACY_KERAS", None)  # Keras 2 is another package, and writes other files
    logging.getLogger("absl").setLevel(logging.ERROR)  # "HDF5 file ... is considered legacy"
    try:
        with hidden_output():
            import tensorflow

            # How XLA splits a sum depends on the number of threads, and with it the last bits of a training:
            # a fixed number gives the same weights on one core and on many. More threads do not pay on this model.
            tensorflow.config.threading.set_intra_op_parallelism_threads(_THREADS)
            tensorflow.config.set_visible_devices([], "GPU")  # probes the devices, which is noisy
            tensorflow.get_logger().setLevel(logging.ERROR)
    except ImportError as error:
        raise ToolMissingError(
            f"TensorFlow does not load: {error}", hint="install it: pip install 'boardproof[export]'"
        ) from error
    return tensorflow
