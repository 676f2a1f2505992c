"""The papers, one folder each: what is studied, what is claimed, and where everything comes from."""
