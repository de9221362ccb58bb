"""Images as batches of blocks: NumPy and every core profile's C give TensorFlow Lite Micro's bits."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boardproof_export.aot.network import Network, resolve
from model_builder import INT8, schema
from support.bench import FLOAT32, Bench, Shape
from support.exactness import check_reference, graph_of, prove, random_case, reasons_of

TO_BATCH, TO_SPACE = schema.BuiltinOperator.SPACE_TO_BATCH_ND, schema.BuiltinOperator.BATCH_TO_SPACE_ND
Pairs = list[tuple[int, int]]


def model(builtin: int, image: Shape, block: list[int], borders: Pairs, dtype: int = INT8) -> bytes:
    """`image` is (batches, sizes, channels) with a size for each number of `block`."""
    area = [extent + sum(pair) for extent, pair in zip(image[1:-1], borders, strict=True)]
    batches = image[0]
    for step in block:
        batches *= step
    batch = (batches, *(extent // step for extent, step in zip(area, block, strict=True)), image[-1])
    shapes = (image, batch) if builtin == TO_BATCH else (batch, image)
    return Bench().one(builtin, *shapes, block, borders, dtype=dtype)


@st.composite
def models(draw: st.DrawFn) -> bytes:
    """Of three or four dimensions; crops may be wider than a block."""
    builtin = draw(st.sampled_from([TO_BATCH, TO_SPACE]))
    block = draw(st.lists(st.integers(1, 3), min_size=1, max_size=2))
    sizes, borders = [], []
    for step in block:
        size, before, after = draw(st.integers(1, 6)), draw(st.integers(0, 4)), draw(st.integers(0, 1)) * step
        after += -(size + before) % step
        if builtin == TO_BATCH:
            size, before, after = size * step, 0, 0
        sizes.append(size)
        borders.append((before, after))
    image = (draw(st.integers(1, 2)), *sizes, draw(st.integers(1, 3)))
    return model(builtin, image, block, borders, draw(st.sampled_from([INT8, FLOAT32])))


@settings(max_examples=300, deadline=None)
@given(models(), st.integers(0, 2**32))
def test_reference(content: bytes, seed: int) -> None:
    assert isinstance(resolve(graph_of(content)), Network)
    check_reference(random_case(content, seed))


def test_every_core_profile() -> None:
    found = [
        model(builtin, image, block, borders, dtype)
        for builtin in (TO_BATCH, TO_SPACE)
        for image, block, borders, dtype in [
            ((1, 4, 6, 3), [2, 2], [(0, 0), (0, 0)], INT8),
            ((2, 6, 4), [3], [(0, 0)], FLOAT32),
            ((1, 5, 7, 2), [2, 3], [(2, 1), (1, 1)], INT8),
            ((2, 9, 4), [4], [(4, 3)], INT8),
            ((1, 3, 3, 1), [2, 2], [(1, 0), (0, 1)], FLOAT32),
        ]
        if builtin == TO_SPACE or not any(map(any, borders))
    ]
    prove([random_case(content, seed) for seed, content in enumerate(found)])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (model(TO_BATCH, (1, 3, 4, 1), [2, 2], [(1, 0), (0, 0)]), "leaves undefined"),
        (model(TO_BATCH, (1, 5, 4, 1), [2, 2], [(0, 0), (0, 0)]), "in blocks of [2, 2]"),
        (Bench().one(TO_BATCH, (1, 4, 4, 1), (2, 2, 4, 1), [2], [[0, 0]]), "has a block of [2]"),
        (Bench().one(TO_SPACE, (4, 2), (1, 8), [2], [[0, 0]]), "makes [1, 8] of [4, 2]"),
    ],
)
def test_what_does_not_fit_is_refused(content: bytes, says: str) -> None:
    assert says in reasons_of(content)[0]
