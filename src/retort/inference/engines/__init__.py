"""What runs a sequence-to-sequence model: each module implements ``retort.models.protocol.Seq2Seq``."""
