"""`make fuzz`: the fuzz targets for long, and what they reached.

C targets run under libFuzzer with AddressSanitizer and UndefinedBehaviorSanitizer, starting from the corpus that is
kept; the Python properties run under Hypothesis with ever new seeds; `tflite` damages .tflite files, those of the
repository and of --corpus. Exit code 1 after a finding, whose input is then in the folder that --out names. With --keep
the corpus of the C targets is made anew: the smallest set that reaches as much.
"""

import argparse
import itertools
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support import tflite_fuzzer
from support.fuzz_targets import CORPUS, LIBFUZZER, TARGETS, build_target, corpus

MOST_KEPT_BYTES = 512
PYTHON_FACTOR = 10  # examples of a round, in those of a test run
PYTHON_TESTS = Path(__file__).with_name("test_fuzz_python.py")


def main() -> int:
    """Runs what the arguments ask for; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("targets", nargs="*", help="app, frame, python, tflite (default: all)")
    parser.add_argument("--seconds", type=int, default=1800, help="for each target (default: 1800)")
    parser.add_argument("--out", type=Path, default=Path(".boardproof/fuzz"), help="where findings go")
    parser.add_argument("--keep", action="store_true", help="make the kept corpus anew from what was reached")
    parser.add_argument("--corpus", type=Path, help="folder of .tflite files to damage")
    args = parser.parse_args()
    chosen = args.targets or (*TARGETS, "python", "tflite")
    if set(chosen) & set(TARGETS) and shutil.which("clang") is None:
        print(
            "error: libFuzzer needs clang\n  next: sudo apt-get install clang libclang-rt-dev",
            file=sys.stderr,
        )
        return 4
    findings = 0
    for target in chosen:
        if target == "python":
            findings += fuzz_python(args.seconds)
        elif target == "tflite":
            findings += tflite_fuzzer.fuzz(
                tflite_fuzzer.good_files(args.corpus), args.seconds, args.out.resolve() / target
            )
        else:
            findings += fuzz_c(target, args.seconds, args.out.resolve(), args.keep)
    return 1 if findings else 0


def fuzz_c(name: str, seconds: int, out: Path, keep: bool) -> int:
    """Runs libFuzzer on a C target; returns 1 after a finding."""
    reached = out / name
    reached.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        program = build_target(Path(folder), name, LIBFUZZER)
        limits = [f"-max_total_time={seconds}", "-max_len=1024", "-print_final_stats=1"]
        command = [program, *limits, f"-artifact_prefix={out}/{name}-", reached, CORPUS / name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        executions = re.search(r"number_of_executed_units: (\d+)", done.stderr)
        count = int(executions.group(1)) if executions else 0
        verdict = "no finding" if done.returncode == 0 else f"A FINDING, its input is in {out}"
        print(f"{name:<7} {count:,} executions in {seconds} s, {verdict}", flush=True)
        if done.returncode != 0:
            print(done.stderr[-4000:])
            return 1
        if keep:
            _keep(program, name, reached)
        print(_coverage(Path(folder) / "coverage", name, [*corpus(name), *reached.iterdir()]), flush=True)
    return 0


def _keep(program: Path, name: str, reached: Path) -> None:
    """Replaces the kept corpus by the smallest set, of short inputs, that reaches as much."""
    with tempfile.TemporaryDirectory() as folder:
        short = f"-max_len={MOST_KEPT_BYTES}"
        subprocess.run(
            [program, "-set_cover_merge=1", short, folder, CORPUS / name, reached],
            capture_output=True,
            check=True,
        )
        shutil.rmtree(CORPUS / name)
        shutil.copytree(folder, CORPUS / name)
    sizes = [path.stat().st_size for path in corpus(name)]
    print(f"{name:<7} keeps {len(sizes)} inputs, {sum(sizes):,} bytes")


def _coverage(folder: Path, name: str, inputs: list[Path]) -> str:
    """Lines of the firmware that the inputs reach, by gcov."""
    program = build_target(folder, name, ["gcc", "-g", "-O0", "--coverage"])
    for start in range(0, len(inputs), 500):
        subprocess.run([program, "1", "0", *inputs[start : start + 500]], check=True, capture_output=True)
    notes = sorted(folder.glob("*.gcda"))
    report = subprocess.run(
        ["gcov", "--no-output", *notes], cwd=folder, capture_output=True, text=True, check=True
    ).stdout
    lines = []
    for path, percent, count in re.findall(r"File '([^']+)'\nLines executed:([\d.]+)% of (\d+)", report):
        if "/firmware/src/" in path and "/engine/" not in path and int(count) > 1:
            lines.append(f"        {path.rpartition('/src/')[2]:<24} {percent} % of {count} lines")
    return "\n".join(lines)


def fuzz_python(seconds: int) -> int:
    """Runs the Python properties with new seeds until the time is over; returns 1 after a finding."""
    started = time.monotonic()
    examples = 0
    for seed in itertools.count():
        if time.monotonic() >= started + seconds:
            break
        options = [
            "-q",
            "-p",
            "no:cacheprovider",
            "--hypothesis-profile=default",
            "--hypothesis-show-statistics",
        ]
        command = [sys.executable, "-m", "pytest", *options, f"--hypothesis-seed={seed}", str(PYTHON_TESTS)]
        environment = os.environ | {"FUZZ_FACTOR": str(PYTHON_FACTOR)}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        if done.returncode != 0:
            print(f"python  A FINDING with --hypothesis-seed={seed}\n{done.stdout[-4000:]}")
            return 1
        examples += sum(int(count) for count in re.findall(r"(\d+) passing", done.stdout))
    print(f"python  {examples:,} examples in {time.monotonic() - started:.0f} s, no finding")
    return 0


if __name__ == "__main__":
    sys.exit(main())
