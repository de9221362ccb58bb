"""Everything from the flashed board to the report: link, session, oracles, metrics, report."""
