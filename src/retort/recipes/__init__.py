"""Whole experiments, flat and short: one file per command."""
