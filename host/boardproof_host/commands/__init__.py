"""The commands: they read arguments, call the rooms below, print, choose the exit code. Nothing is computed here."""
