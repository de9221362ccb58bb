"""A profile: what an inference costs, operator by operator.

The board computes each image twice, with the hook that looks behind every operator and without, so that what the hook
costs is known."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace

import numpy as np

from boardproof_export.shared.model import read_graph
from boardproof_export.shared.project import Project, state_folder
from boardproof_host.boards.open import check, open_boards
from boardproof_host.boards.which_model import describe_model, facts_of
from boardproof_host.runs import data, selection, suspects
from boardproof_host.runs.circumstances import target_of
from boardproof_host.runs.insides import FACTS, look
from boardproof_host.runs.options import ProfileOptions
from boardproof_host.runs.profile_record import ProfileRecord
from boardproof_host.runs.trace import profiling


def run_profile(
    options: ProfileOptions, project: Project | None, tell: Callable[[str], None] = lambda _: None
) -> ProfileRecord:
    """Profiles the images that the options ask for.

    Args:
        tell: takes a line about what is being done.

    Raises:
        InputError: the model or the data cannot be used, or do not fit each other.
        LinkError: the board cannot be opened, cannot profile, or answers with something else.
    """
    check(options.board, project)
    with ExitStack() as stack:
        tell("opening the board")
        boards = open_boards(replace(options.board, boards=1), project, stack)
        session, path = boards.sessions[0], boards.model
        identity, model = profiling(session), describe_model(path)
        facts = facts_of(path, identity, state_folder(project) / FACTS)
        source = data.for_model(options.source, model)
        images = _images(options, len(source))
        rows = source.rows(model.inputs, np.array(images))
        tell(f"looking at {len(images)} image{'s' if len(images) > 1 else ''}")
        found = look(session, read_graph(path), facts.ops, rows, images, options.board.link.patience)
    return ProfileRecord(path.name, model.sha256, target_of(identity), source.name, found)


def _images(options: ProfileOptions, total: int) -> tuple[int, ...]:
    if options.images:
        return suspects.named(options.images, total).images
    chosen = selection.select(total, None, options.limit, None)
    return tuple(int(index) for index in chosen.indices)
