"""The board protocol in Python: frames, messages (rendered), packed inputs; no ports, no sessions, no time.

Mirrors `firmware/src/protocol` and is mirrored by it; it imports nothing of the host.
"""
