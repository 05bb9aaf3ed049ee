"""From published files to prepared folders; tensors begin in ``collate``.

``collate`` needs numpy and torch alone; every other module of this floor may use RDKit and polars.
"""
