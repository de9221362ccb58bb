"""Faults put on a line on purpose. No part of a session knows of them."""
