"""Mends what processes that died left behind."""

from glance_sidecar import background
from glance_sidecar import options
from glance_sidecar import pending


class Recovery(background.Loop):
    """The thread."""

    def __init__(self):
        super().__init__("staging-recovery", lambda: options.settings().recovery_interval)

    def turn(self):
        pending.settle()
