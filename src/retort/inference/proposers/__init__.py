"""The sources of candidates: one file each, each with one class that meets ``retort.inference.proposer.Proposer``."""
