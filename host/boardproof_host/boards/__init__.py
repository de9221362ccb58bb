"""Targets: what they are, how they are built, started and opened. What is asked of a board does not live here."""
