"""Plan routes of several steps from a target down to a stock; the search is syntheseus's (extra ``[search]``)."""

from importlib.util import find_spec

from retort.errors import MissingExtraError

if find_spec("syntheseus") is None:
    raise MissingExtraError("planning", "search")
