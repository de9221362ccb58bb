"""The link: from a byte pipe to answers that can be trusted. What is asked is the caller's.

exchange: frames and sequence numbers over one pipe. handshake: hello, and whom one talks to. window: the requests in
flight, as a state machine without I/O. rates: changing the line rate. session: all of these, and recovery.
"""
