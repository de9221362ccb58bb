"""Serial ports of this machine: found, named, opened, who holds them. Knows bytes, and no protocol."""
