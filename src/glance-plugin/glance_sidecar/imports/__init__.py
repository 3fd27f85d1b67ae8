"""How an import of Glance is run by the sidecar."""
