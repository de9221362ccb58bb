"""Buffers that are needed at one time never share a byte."""

from hypothesis import given
from hypothesis import strategies as st

from boardproof_export.aot.plan import ALIGNMENT, Buffer, plan_buffers


@st.composite
def buffer_lists(draw: st.DrawFn) -> list[Buffer]:
    spans = draw(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(1, 300)), max_size=14))
    return [
        Buffer(f"b{index}", size, min(first, last), max(first, last))
        for index, (first, last, size) in enumerate(spans)
    ]


@given(buffer_lists())
def test_no_two_living_buffers_overlap(buffers: list[Buffer]) -> None:
    plan = plan_buffers(buffers)
    assert plan.arena_bytes % ALIGNMENT == 0
    for index, one in enumerate(buffers):
        start = plan.offsets[one.name]
        assert start % ALIGNMENT == 0
        assert 0 <= start <= start + one.size <= plan.arena_bytes
        for other in buffers[index + 1 :]:
            if one.first <= other.last and other.first <= one.last:
                begin = plan.offsets[other.name]
                assert start + one.size <= begin or begin + other.size <= start


@given(buffer_lists())
def test_order_of_the_list_does_not_matter(buffers: list[Buffer]) -> None:
    assert plan_buffers(buffers) == plan_buffers(buffers[::-1])


def test_a_chain_costs_its_widest_moment() -> None:
    sizes = [784, 128, 64, 10]
    chain = [Buffer(str(index), size, index - 1, index) for index, size in enumerate(sizes)]
    assert plan_buffers(chain).arena_bytes == 784 + 128


def test_another_order_is_found_where_the_largest_first_would_waste_room() -> None:
    """Placed at 0 and 72 in the order of their sizes, the first two leave a gap of 8 bytes below the third."""
    sizes = [(72, 0, 1), (64, 4, 4), (56, 1, 4), (16, 4, 4)]
    buffers = [Buffer(str(index), *what) for index, what in enumerate(sizes)]
    assert plan_buffers(buffers).arena_bytes == 64 + 56 + 16


def test_nothing_to_place() -> None:
    assert plan_buffers([]).arena_bytes == ALIGNMENT
