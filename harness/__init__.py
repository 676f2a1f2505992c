"""The instrument: re-runs a study from public models and measures it; knows nothing of any one paper."""
