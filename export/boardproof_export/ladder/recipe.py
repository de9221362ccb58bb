"""How a network is trained, as plain numbers."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Augmentation:
    """What happens to an image each time it is shown; see `ladder.augment`."""

    shift: int  # pixels, at most, in each direction
    mirror: bool  # every second image, left to right
    erased: int  # pixels, at most, of each side of the square that is erased; 0 erases nothing


@dataclass(frozen=True)
class Schedule:
    """A learning rate that rises in a line from 0, then falls along a cosine to 0 at the end."""

    peak: float
    warm_up: int  # epochs


@dataclass(frozen=True)
class Recipe:
    """How a network is trained: Adam on the cross-entropy of its logits.

    Images that are not augmented come in batches of a shuffled data set of TensorFlow's, with labels that are not
    smoothed.
    """

    epochs: int
    batch: int  # images
    # Batches that one call into the compiled graph takes. It divides the batches of an epoch, and changes nothing but
    # the time.
    steps_per_call: int
    compiled: bool = False  # by XLA: dense layers gain by it, on a CPU convolutions lose
    schedule: Schedule | None = None  # None: Adam's own rate, constant
    decay: float = 0.0  # of weights, decoupled from the gradient (AdamW)
    smoothing: float = 0.0  # share of each label that is spread over all classes
    augmentation: Augmentation | None = None
