"""The wordings of the instructions: one file per task, binding ``TEXTS``."""
