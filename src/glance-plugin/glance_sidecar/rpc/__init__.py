"""Calls of the sidecar."""
