"""An operator a module: what it takes, what it costs, how its constants are packed. No C text, no planning."""
