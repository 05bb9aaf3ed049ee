"""Plan routes of several steps from a target down to a stock; the search is syntheseus's (extra ``[search]``)."""
