"""Every single fault: one at every byte of a 20-image conversation, for each kind, in both directions.

`make faults` runs it. Each conversation must end with every output right, or with an error that names the next
action. What ends otherwise is printed with the fault that replays it, and the exit code is 1.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from boardproof_host.link.disturbance.faults import FaultSpec, Kind
from support.board_library import IMAGE_DEPTHS, SMALL_DEPTHS, BoardOptions, HangError
from support.conversation import Bench, Circumstances, converse, make_bench, random_inputs, replay

MODELS = {"small": SMALL_DEPTHS, "images": IMAGE_DEPTHS}


def main() -> int:
    """Runs the matrix that the arguments ask for; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", choices=MODELS, default="images", help="inputs of 20 or of 784 bytes")
    parser.add_argument("--plain", action="store_true", help="send inputs as they are, never packed")
    parser.add_argument("--busy", action="store_true", help="921600 baud, 2 ms an inference, 1 KB of buffer")
    parser.add_argument("--stride", type=int, default=1, help="every so many bytes")
    parser.add_argument("--library", type=Path, help="use this board instead of building one")
    args = parser.parse_args()
    busy = BoardOptions(receive_bytes=1024, inference=2e-3)
    under = Circumstances(
        options=busy if args.busy else BoardOptions(), baud=921600 if args.busy else 0, packed=not args.plain
    )
    with tempfile.TemporaryDirectory() as folder:
        depths = MODELS[args.model]
        if args.library:
            inputs = random_inputs(20, depths[0])
            bench = Bench(args.library, inputs, converse(args.library, inputs, None).outputs)
        else:
            bench = make_bench(Path(folder), depths)
        return run(bench, under, args.stride)


def run(bench: Bench, under: Circumstances, stride: int) -> int:
    """Tries every kind; prints a line a kind and the sum; returns the exit code."""
    seen = bench.converse(under=under).bytes_seen
    print(
        f"20 images: {seen['down']:,} bytes down, {seen['up']:,} bytes up; one fault at every {stride}. byte"
    )
    total: Counter[str] = Counter()
    for kind in Kind:
        started = time.monotonic()
        ends: Counter[str] = Counter()
        for way in ("down", "up"):
            for offset in range(0, seen[way], stride):
                ends[_end(bench, FaultSpec.parse(f"{kind}@{way}:{offset}"), under)] += 1
        print(f"{kind:<11} {_worded(ends)}   ({time.monotonic() - started:.0f} s)", flush=True)
        total += ends
    print(f"all         {_worded(total)}")
    return 1 if total["wrong"] or total["hang"] else 0


def _end(bench: Bench, fault: FaultSpec, under: Circumstances) -> str:
    try:
        outcome = bench.converse([fault], under=under)
    except HangError as error:
        print(f"HANG  {replay([fault], 0)}: {error}")
        return "hang"
    except AssertionError as error:
        print(f"WRONG {replay([fault], 0)}: {error}")
        return "wrong"
    return "right" if outcome.refused is None else "refused"


def _worded(ends: Counter[str]) -> str:
    return (
        f"{sum(ends.values()):,} conversations: {ends['right']:,} right, {ends['refused']:,} refused, "
        f"{ends['wrong']:,} wrong, {ends['hang']:,} hangs"
    )


if __name__ == "__main__":
    sys.exit(main())
