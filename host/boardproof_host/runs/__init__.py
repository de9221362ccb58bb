"""What is done with a board: a run, a trace. Takes options, gives a record; prints nothing and reads no arguments."""
