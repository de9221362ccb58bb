"""FULLY_CONNECTED in NumPy gives TensorFlow Lite Micro's bits. Its kernels: tests/property/test_aot_bit_exact.py."""

from hypothesis import given, settings
from hypothesis import strategies as st

from model_builder import random_model
from support.exactness import check_reference, random_case


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(1, 20), st.integers(1, 3))
def test_reference(seed: int, depth: int, outputs: int, batch: int) -> None:
    check_reference(random_case(random_model(seed, depths=(depth, outputs), batch=batch), seed))
