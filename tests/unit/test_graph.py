"""Reading .tflite files: what is there is read exactly, and whatever is broken is refused by name."""

import hashlib
import time
import tracemalloc
from pathlib import Path

import flatbuffers
import numpy as np
import pytest
from tflite.OperatorCode import OperatorCode

from boardproof_export.commands import inspect
from boardproof_export.shared.errors import InputError
from boardproof_export.shared.model import Activation, Graph, parse_graph, read_graph
from boardproof_export.shared.model.reader import _builtin
from boardproof_export.tflm.engines import support
from model_builder import FLOAT32, INT8, ModelBuilder, random_model, schema, tiny_model
from support.small_models import with_constants_outside

PATH = Path("some/model.tflite")


def survives(content: bytes) -> Graph | None:
    """Parses, and asks the engines about what came out; None where the file was refused."""
    try:
        graph = parse_graph(content, PATH)
    except InputError as error:
        assert str(PATH) in error.message
        assert error.hint
        return None
    support(graph)
    return graph


def test_reads_what_was_built() -> None:
    graph = parse_graph(tiny_model(), PATH)
    assert graph.name == "model"
    assert (graph.schema_version, graph.subgraphs, graph.inputs, graph.outputs) == (3, 1, (0,), (3,))
    (op,) = graph.ops
    assert (op.code, op.inputs, op.outputs) == ("FULLY_CONNECTED", (0, 1, 2), (3,))
    assert op.options.int8(0) == Activation.RELU
    source, weights, bias, _ = graph.tensors
    assert (source.type, source.shape, source.count, source.data) == ("INT8", (1, 3), 3, None)
    assert source.quantization is not None
    assert (source.quantization.scales.tolist(), source.quantization.zero_points) == ([0.5], (-1,))
    assert weights.values(np.int8).tolist() == [[1, -2, 3], [-4, 5, -6]]
    assert weights.quantization is not None
    assert (weights.quantization.per_channel, weights.quantization.axis) == (True, 0)
    assert bias.values(np.int32).tolist() == [7, -8]


def test_open_dimensions_count_as_one_and_what_the_shape_closes_is_not_open() -> None:
    builder = ModelBuilder()
    open_one = builder.tensor((-1, 4), dtype=FLOAT32)
    batch = builder.tensor((1, 4), dtype=FLOAT32, signature=(-1, 4))  # as converters write it
    builder.reshape(batch, open_one)
    graph = parse_graph(builder.build([batch], [open_one]), PATH)
    assert [tensor.dynamic for tensor in graph.tensors[:2]] == [True, False]
    assert [tensor.shape for tensor in graph.tensors[:2]] == [(1, 4)] * 2


@pytest.mark.parametrize(
    ("deprecated", "current"), [(0, 9), (9, 9), (9, 0), (9, None), (None, 9), (127, 150)]
)
def test_the_larger_of_both_operator_codes_counts(deprecated: int | None, current: int | None) -> None:
    """Old files fill the deprecated one alone, new ones may fill the other alone; an absent field is 0."""
    builder = flatbuffers.Builder()
    builder.StartObject(4)
    if deprecated is not None:
        builder.PrependInt8Slot(0, deprecated, -1)
    if current is not None:
        builder.PrependInt32Slot(3, current, -1)
    builder.Finish(builder.EndObject())
    assert _builtin(OperatorCode.GetRootAs(bytes(builder.Output()))) == max(deprecated or 0, current or 0)


def test_a_signature_that_is_open_beside_a_closed_shape_is_a_batch_of_1() -> None:
    """All of MLPerf Tiny's models are written so; interpreters go by the shape."""
    builder = ModelBuilder()
    tensor = builder.tensor((1, 4), dtype=FLOAT32, signature=(-1, 4))
    output = builder.tensor((1, 4), dtype=FLOAT32)
    builder.reshape(tensor, output)
    graph = parse_graph(builder.build([tensor], [output]), PATH)
    assert not graph.tensors[tensor].dynamic
    assert graph.tensors[tensor].count == 4


def test_constants_behind_the_flatbuffer_are_read_and_put_inside() -> None:
    model = random_model(1, depths=(30, 20, 5))
    outside = with_constants_outside(model)
    graph, twin = parse_graph(outside, PATH), parse_graph(model, PATH)
    assert (graph.sha256, graph.file_bytes) == (hashlib.sha256(outside).hexdigest(), len(outside))
    again = parse_graph(graph.content, PATH)
    assert again.content == graph.content  # nothing is outside any more
    for tensors in (graph.tensors, again.tensors):
        for tensor, other in zip(tensors, twin.tensors, strict=True):
            assert tensor.name == other.name
            assert (tensor.data is None) == (other.data is None)
            if tensor.data is not None and other.data is not None:
                assert np.array_equal(tensor.data, other.data)


def test_constants_that_lie_outside_of_the_file_are_damage() -> None:
    outside = with_constants_outside(random_model(1, depths=(30, 20, 5)))
    for length in range(len(outside) - 40, len(outside)):
        with pytest.raises(InputError, match=r"lead out of the file|longer than the file"):
            parse_graph(outside[:length], PATH)


def test_a_shape_of_very_many_dimensions_costs_no_time() -> None:
    builder = ModelBuilder()
    tensor = builder.tensor((1 << 20,) * 50_000, dtype=INT8)
    output = builder.tensor((1,), dtype=INT8)
    builder.reshape(tensor, output)
    content = builder.build([tensor], [output])
    started = time.process_time()
    with pytest.raises(InputError, match="50000 dimensions"):
        parse_graph(content, PATH)
    assert time.process_time() - started < 5  # it was 35 s with 100,000


def test_a_long_name_that_all_tensors_share_costs_no_memory() -> None:
    """A flatbuffer's tables may point to one string: 20,000 names of 14 KB in a file of 280 KB."""
    builder = flatbuffers.Builder()
    name = builder.CreateString("n" * 14_000)
    entries = []
    for _ in range(20_000):
        schema.TensorStart(builder)
        schema.TensorAddName(builder, name)
        entries.append(schema.TensorEnd(builder))
    schema.SubGraphStartTensorsVector(builder, len(entries))
    for entry in entries:
        builder.PrependUOffsetTRelative(entry)
    tensors = builder.EndVector()
    schema.SubGraphStart(builder)
    schema.SubGraphAddTensors(builder, tensors)
    subgraph = schema.SubGraphEnd(builder)
    schema.BufferStart(builder)
    buffer = schema.BufferEnd(builder)
    vectors = []
    for start, entry in (
        (schema.ModelStartSubgraphsVector, subgraph),
        (schema.ModelStartBuffersVector, buffer),
    ):
        start(builder, 1)
        builder.PrependUOffsetTRelative(entry)
        vectors.append(builder.EndVector())
    schema.ModelStart(builder)
    schema.ModelAddVersion(builder, 3)
    schema.ModelAddSubgraphs(builder, vectors[0])
    schema.ModelAddBuffers(builder, vectors[1])
    builder.Finish(schema.ModelEnd(builder), b"TFL3")
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match="longer than the file"):
            parse_graph(bytes(builder.Output()), PATH)
        assert tracemalloc.get_traced_memory()[1] < 20 << 20  # it was 2 GB
    finally:
        tracemalloc.stop()


def test_names_cannot_speak_to_a_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    builder = ModelBuilder()
    tensor = builder.tensor((1, 4), 0.5, name="\x1b]0;title\x07\x1b[31mred")
    output = builder.tensor((1, 4), 0.5)
    builder.reshape(tensor, output)
    path = tmp_path / "model.tflite"
    path.write_bytes(builder.build([tensor], [output]))
    inspect.run(model=path, as_json=False)
    said = capsys.readouterr().out
    assert "\x1b" not in said and "\x07" not in said


def test_every_truncation_is_refused_or_harmless() -> None:
    content = tiny_model()
    parsed = [length for length in range(len(content)) if survives(content[:length])]
    # A flatbuffer is written back to front: only what its last bytes hold may be missing without notice.
    assert all(length > len(content) - 64 for length in parsed)


@pytest.mark.parametrize("seed", range(8))
def test_flipped_bytes_are_refused_or_harmless(seed: int) -> None:
    rng = np.random.default_rng(seed)
    original = tiny_model() if seed % 2 else random_model(seed, depths=(9, 4, 3))
    refused = 0
    for _ in range(250):
        content = bytearray(original)
        for position in rng.integers(0, len(content), rng.integers(1, 4)):
            content[position] = rng.choice([0, 1, 0x7F, 0x80, 0xFF, int(rng.integers(256))])
        refused += survives(bytes(content)) is None
    assert refused > 0


@pytest.mark.parametrize(
    "word", [b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x00\x00\x00\x80", b"\x00\x00\x01\x00"]
)
def test_absurd_offsets_and_lengths(word: bytes) -> None:
    original = tiny_model()
    for position in range(0, len(original) - 3):
        survives(original[:position] + word + original[position + 4 :])


def test_garbage_behind_the_identifier() -> None:
    rng = np.random.default_rng(1)
    for size in (8, 9, 64, 5000):
        assert survives(rng.bytes(4) + b"TFL3" + rng.bytes(size)) is None


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"TFL3", "not a .tflite file"),
        (b"\x89PNG\r\n\x1a\n" + bytes(64), "not a .tflite file"),
        (tiny_model()[:200], "not a usable .tflite file"),
    ],
)
def test_what_is_no_model_is_named(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "broken.tflite"
    path.write_bytes(content)
    with pytest.raises(InputError, match=says) as caught:
        read_graph(path)
    assert str(path) in caught.value.message


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_graph(tmp_path / "absent.tflite")
    with pytest.raises(InputError, match="is a folder"):
        read_graph(tmp_path)


def test_other_schema_versions_are_refused() -> None:
    builder = ModelBuilder()
    tensor = builder.tensor((1, 2), 0.5)
    output = builder.tensor((2, 1), 0.5)
    builder.reshape(tensor, output)
    with pytest.raises(InputError, match="schema version is 4, not 3"):
        parse_graph(builder.build([tensor], [output], version=4), PATH)


def test_contradictions_are_refused() -> None:
    builder = ModelBuilder()
    tensor = builder.tensor((1, 2), 0.5)
    short = builder.tensor((4, 2), 0.5, data=np.zeros(5, np.int8))
    builder.fully_connected([tensor, short], tensor)
    with pytest.raises(InputError, match="tensor 1 needs 8 bytes and its buffer has 5"):
        parse_graph(builder.build([tensor], [tensor]), PATH)
    builder = ModelBuilder()
    tensor = builder.tensor((1, 2), 0.5)
    builder.op(schema.BuiltinOperator.RESHAPE, [17], [tensor])
    with pytest.raises(InputError, match="operator 0 reads tensor 17, and there are 1 tensors"):
        parse_graph(builder.build([tensor], [tensor]), PATH)


def test_sizes_beyond_reason_are_refused() -> None:
    builder = ModelBuilder()
    tensor = builder.tensor((2**31 - 1, 2**31 - 1), 0.5, dtype=INT8)
    with pytest.raises(InputError, match="tensor 0 has"):
        parse_graph(builder.build([tensor], [tensor]), PATH)
