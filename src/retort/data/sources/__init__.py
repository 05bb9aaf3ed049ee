"""The sources: one file each, binding ``SOURCE``."""
