"""The WSGI filter: entry points paste.filter_factory main and staging_sidecar."""

from glance_sidecar.wsgi.filter import filter_factory

__all__ = ["filter_factory"]
