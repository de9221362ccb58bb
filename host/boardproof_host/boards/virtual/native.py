"""A board that is the firmware itself, compiled for this machine.

`python -m boardproof_host.boards.virtual.native PROGRAM` opens a pseudo-terminal, prints one JSON line with its port,
and has the program serve it until its standard input ends.
"""

import json
import os
import select
import signal
import subprocess
import sys

from boardproof_host.boards.virtual.terminal import PtyLink

LOOK_SECONDS = 0.1  # between looks whether the program still runs


def main() -> int:
    """Serves; returns 0, or the program's code where it ended by itself."""
    link = PtyLink()
    with subprocess.Popen([sys.argv[1]], stdin=link.board_end, stdout=link.board_end) as program:
        print(json.dumps({"port": link.port, "pid": os.getpid()}), flush=True)
        try:
            while program.poll() is None:
                ready, _, _ = select.select([sys.stdin], [], [], LOOK_SECONDS)
                if ready and not os.read(sys.stdin.fileno(), 4096):
                    return 0
        finally:
            program.kill()
    link.close()
    code = int(program.returncode)
    if code < 0:
        print(f"the firmware ended by {signal.Signals(-code).name}", file=sys.stderr)
    return abs(code)


if __name__ == "__main__":
    sys.exit(main())
