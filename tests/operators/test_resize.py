"""Images of another size: NumPy and every core profile's C give TensorFlow Lite Micro's bits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boardproof_export.aot.network import Network, resolve
from model_builder import INT8, INT32, ModelBuilder, schema
from support.exactness import check_reference, graph_of, oracle_accepts, prove, random_case, reasons_of

TYPE = schema.TensorType
NEAREST, BILINEAR = "ResizeNearestNeighbor", "ResizeBilinear"
Shape = tuple[int, int, int, int]


def model(
    name: str,
    shape: Shape,
    size: tuple[int, int],
    *,
    align: bool = False,
    half: bool = False,
    dtype: int = INT8,
) -> bytes:
    builder = ModelBuilder()
    scale = 0.5 if dtype != TYPE.FLOAT32 else None
    source = builder.tensor(shape, scale, dtype=dtype)
    wanted = builder.tensor((2,), dtype=INT32, data=np.array(size, np.int32))
    output = builder.tensor((shape[0], *size, shape[3]), scale, dtype=dtype)
    options = getattr(schema, f"{name}OptionsT")()
    options.alignCorners, options.halfPixelCenters = align, half
    builtin = {
        NEAREST: schema.BuiltinOperator.RESIZE_NEAREST_NEIGHBOR,
        BILINEAR: schema.BuiltinOperator.RESIZE_BILINEAR,
    }[name]
    kind = getattr(schema.BuiltinOptions, f"{name}Options")
    builder.op(builtin, [source, wanted], [output], options, kind)
    return builder.build([source], [output])


extents = st.one_of(st.integers(1, 6), st.integers(1, 40))


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([NEAREST, BILINEAR]),
    st.tuples(st.integers(1, 2), extents, extents, st.integers(1, 4)),
    st.tuples(extents, extents),
    st.booleans(),
    st.booleans(),
    st.sampled_from([INT8, TYPE.INT16, TYPE.FLOAT32]),
    st.integers(0, 2**32),
)
def test_reference(
    name: str, shape: Shape, size: tuple[int, int], align: bool, half: bool, dtype: int, seed: int
) -> None:
    content = model(name, shape, size, align=align, half=half, dtype=INT8 if name == BILINEAR else dtype)
    if not oracle_accepts(content):
        assert align and half
        return
    assert isinstance(resolve(graph_of(content)), Network)
    check_reference(random_case(content, seed))


FLAGS = ((False, False), (True, False), (False, True))
CASES = [((1, 3, 4, 5), (6, 8)), ((2, 7, 5, 1), (3, 11)), ((1, 1, 6, 3), (5, 1))]


def test_every_core_profile() -> None:
    found = [
        model(name, shape, size, align=align, half=half)
        for name in (NEAREST, BILINEAR)
        for shape, size in CASES
        for align, half in FLAGS
    ]
    found += [model(NEAREST, (1, 3, 4, 2), (5, 6), dtype=dtype) for dtype in (TYPE.INT16, TYPE.FLOAT32)]
    prove([random_case(content, seed) for seed, content in enumerate(found)])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (model(BILINEAR, (1, 2, 2, 1), (4, 4), align=True, half=True), "corners with half pixel centers"),
        (model(BILINEAR, (1, 2, 2, 1), (4, 4), dtype=TYPE.INT16), "only INT8 run"),
        (model(BILINEAR, (1, 1, 2, 1), (1500, 4)), "reads beyond the input"),
    ],
)
def test_what_does_not_run_is_refused(content: bytes, says: str) -> None:
    assert says in reasons_of(content)[0]
