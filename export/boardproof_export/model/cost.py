"""What an operator computes and what its constants weigh, from the graph alone."""

from boardproof_export.shared.model import Graph, Op


def macs(graph: Graph, op: Op) -> int:
    """Multiply-accumulates of one invocation of `op`; 0 for operators that have none or that are not counted.

    An output value of FULLY_CONNECTED and CONV_2D takes as many as its filter has weights; of DEPTHWISE_CONV_2D as
    many as the filter's window.
    """
    if op.code not in ("FULLY_CONNECTED", "CONV_2D", "DEPTHWISE_CONV_2D") or not op.outputs:
        return 0
    weights = graph.optional(op, 1)
    if weights is None or not weights.shape or not all(weights.shape):
        return 0
    channels = weights.shape[-1] if op.code == "DEPTHWISE_CONV_2D" else weights.shape[0]
    return graph.tensors[op.outputs[0]].count * (weights.count // channels)


def constant_bytes(graph: Graph, op: Op) -> int:
    """Bytes of the constants that `op` reads."""
    tensors = (graph.optional(op, position) for position in range(len(op.inputs)))
    return sum(len(tensor.data) for tensor in tensors if tensor is not None and tensor.data is not None)
