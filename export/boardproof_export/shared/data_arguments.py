"""How the command line names data: what each option is, for the parsers of both sides. Imports nothing."""

from collections.abc import Mapping
from typing import Any

DATA_KINDS = (
    "a .npz, .npy or .csv file, a folder of images, of IDX files, or of raw files with "
    "y_labels.csv, or random:N"
)
INPUT_RANGE = "0:1"
DATA_TYPES = ("uint8", "int8", "int16", "int32", "float32")
# By its flag, what argparse's add_argument takes besides. --data itself is each command's own: defaults differ.
DATA_ARGUMENTS: Mapping[str, Mapping[str, Any]] = {
    "--label-column": {
        "metavar": "NAME",
        "help": "of a CSV file: its name or position, -1 the last",
    },
    "--resize": {"action": "store_true", "help": "resize images to the size that the model takes"},
    "--data-type": {
        "choices": DATA_TYPES,
        "metavar": "TYPE",
        "help": f"of raw files' values: {', '.join(DATA_TYPES)}",
    },
    "--input-range": {
        "default": INPUT_RANGE,
        "metavar": "LOW:HIGH",
        "help": f"what pixels 0 and 255 were when the model was trained (default: {INPUT_RANGE})",
    },
}
