"""A board that is a process, for trying and testing without hardware: the firmware's behaviour in Python, no oracle."""
