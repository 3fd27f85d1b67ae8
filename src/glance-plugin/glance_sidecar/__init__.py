"""Glance's side of the staging sidecar: an import plugin, a staging store driver and a WSGI filter."""
