"""
Drivers that put an image into its store without reading it through Python.

Each is a subclass of the driver that Glance is configured with, put in its place under the same id and type by `swapping`. Of
its methods only add() is another: where the bytes are a file of the sidecar's, whose digests are known, they go to the store by
a shorter way; every other case is the driver's own, as it would be without this package.
"""

from glance_sidecar import logging_lock

# By now, and not when the filter is made: glance_store lists all drivers before Glance starts the thread that tidies its staging
# directory, and with it the first one that logs beside another.
logging_lock.make_native()
