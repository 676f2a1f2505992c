"""The judge: estimates and claims in, verdicts out; the only floor that sees printed numbers."""
