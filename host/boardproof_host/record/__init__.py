"""The record of a run: its schema, what it is computed from, its file and folder. Talks to no board, words nothing."""
