"""The aligners: one file each, binding ``ALIGNER``."""
