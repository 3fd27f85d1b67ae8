"""What Glance wraps around the file that it stores, and what each layer would have asked of the bytes."""

import io

# By name, since modules and bases differ between Glance's versions: what a layer reads from.
_SOURCES = {
    "LimitingReader": "data", "CooperativeReader": "fd", "CallbackIterator": "_source", "InspectWrapper": "_source",
    "InfoWrapper": "_source"}
_PACKAGES = ("glance", "oslo_utils")
# As many bytes of a file tell these formats, and all that Glance checks of them lies in there.
_HEAD_BYTES = 64 * 1024
_TOLD_BY_HEAD = ("qcow2", "iso")


class Readers:
    """The layers from the one that a store is given to the open file below them."""

    def __init__(self, outermost, file, layers):
        self.outermost = outermost
        self.file = file
        self._layers = layers

    @classmethod
    def of(cls, outermost):
        """None when there is a layer that is not known, or no file below them all, as with the body of a request."""
        layers, layer = [], outermost
        while type(layer) is not io.BufferedReader:
            source = _SOURCES.get(type(layer).__name__)
            if source is None or type(layer).__module__.split(".")[0] not in _PACKAGES or not hasattr(layer, source):
                return None
            layers.append(layer)
            layer = getattr(layer, source)
        return cls(outermost, layer, layers) if isinstance(layer.raw, io.FileIO) else None

    @property
    def callback(self):
        """
        Glance's function of an import task that is told of the bytes so far, says so on the task, and raises when somebody
        ended that. None outside of an import.
        """
        return next((getattr(layer, "_callback", None) for layer in self._named("CallbackIterator")), None)

    def check_limits(self, size):
        """Raises what a quota or the largest size of an image would have raised at some byte."""
        for layer in self._named("LimitingReader"):
            if size > layer.limit - layer.bytes_read:
                raise layer.exception_class()

    def is_inspected(self):
        """Whether Glance looks at the bytes as they pass."""
        return bool(self._named("InspectWrapper", "InfoWrapper"))

    def can_show(self, disk_format):
        """
        Whether what Glance makes of the bytes can be had without reading them all. Of raw ones it keeps the virtual size that it
        has when it is shown none; the beginning could look like something else. A VMDK may have its header at the end.
        """
        return not self.is_inspected() or disk_format in ("raw",) + _TOLD_BY_HEAD

    def show(self, disk_format):
        """Lets Glance see what it has to."""
        if self.is_inspected() and disk_format in _TOLD_BY_HEAD:
            self.outermost.read(_HEAD_BYTES)

    def _named(self, *names):
        return [layer for layer in self._layers if type(layer).__name__ in names]
