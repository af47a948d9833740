"""Linking spots over time, pruning and filtering tracks."""
