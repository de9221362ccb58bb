"""The commands of this side: they read arguments, call the other rooms and print. Nothing is computed here."""
