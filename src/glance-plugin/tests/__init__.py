# Before anything imports eventlet, as Glance's libraries do: what they import first stays as eventlet's own copy, whose
# locks wait for ever in a native thread.
import http.server  # noqa: F401
