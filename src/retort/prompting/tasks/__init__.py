"""The tasks: one file each, binding ``TASK``."""
