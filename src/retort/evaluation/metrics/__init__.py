"""The metrics: one file each, binding ``METRIC``."""
