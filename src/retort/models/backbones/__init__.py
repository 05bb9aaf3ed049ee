"""One file per backbone; each binds ``BACKBONE`` (see :mod:`retort.models.backbone`)."""
