"""The public face: records that describe a run, and functions that make it. Thin: whatever computes lives behind it.

from boardproof import BoardOptions, ImageOptions, RunOptions, run

finished = run(RunOptions(BoardOptions(target="tflm_host", model=Path("model.tflite")), ImageOptions(limit=100)))
assert finished.report.outcome == "proven"
"""

from boardproof_export.shared.errors import BoardproofError, ExitCode
from boardproof_export.shared.project import project_if_any
from boardproof_export.shared.sources.opening import SourceOptions
from boardproof_host.boards.options import BoardOptions, LinkOptions
from boardproof_host.record.facts import Gates
from boardproof_host.record.schema import Report
from boardproof_host.runs import profile as _profiles
from boardproof_host.runs import run as _runs
from boardproof_host.runs import trace as _traces
from boardproof_host.runs.listener import Listener
from boardproof_host.runs.options import ImageOptions, ProfileOptions, RunOptions, TraceOptions
from boardproof_host.runs.profile_record import ProfileRecord
from boardproof_host.runs.run import Finished
from boardproof_host.runs.trace_record import Trace

__all__ = [
    "BoardOptions",
    "BoardproofError",
    "ExitCode",
    "Finished",
    "Gates",
    "ImageOptions",
    "LinkOptions",
    "Listener",
    "ProfileOptions",
    "ProfileRecord",
    "Report",
    "RunOptions",
    "SourceOptions",
    "Trace",
    "TraceOptions",
    "profile",
    "run",
    "trace",
]


def run(options: RunOptions, listener: Listener | None = None) -> Finished:
    """Streams data to boards and compares what comes back: what the command `run` does, without its words.

    A checkout is looked for as the commands do: BOARDPROOF_PROJECT, else the present folder and those above it.

    Raises:
        BoardproofError: nothing was measured. What was measured is a report, also where it is not proven.
    """
    return _runs.run(options, project_if_any(), listener)


def trace(options: TraceOptions) -> Trace:
    """Runs single images operator by operator: what the command `trace` does.

    Raises:
        BoardproofError: the model, the data or the board cannot be used.
    """
    return _traces.trace(options, project_if_any())


def profile(options: ProfileOptions) -> ProfileRecord:
    """Says what an inference costs, operator by operator: what the command `profile` does.

    Raises:
        BoardproofError: the model, the data or the board cannot be used.
    """
    return _profiles.run_profile(options, project_if_any())
