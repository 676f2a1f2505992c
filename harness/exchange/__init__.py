"""Other people's forms: their numbers as declarations for an audit, and a run's numbers for their tools."""
