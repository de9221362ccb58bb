"""The ahead-of-time engine: a graph to a network, a schedule, a plan and C. Knows no operator by name."""
