"""Training: one visible loop on accelerate, its schedule, its averages and its state on disk."""
