"""Everything from the dataset to firmware source: train, convert, inspect, plan, render."""
