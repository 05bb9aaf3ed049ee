"""The same answers over HTTP (``retort serve``) and for agents (``retort mcp``).

Both ask one :class:`~retort.inference.predictor.Predictor` through one seam, :mod:`retort.serving.asking`.
"""
