"""The report of a run: records in, files out; computes nothing."""
