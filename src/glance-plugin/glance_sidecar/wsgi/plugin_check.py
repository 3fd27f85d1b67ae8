"""Makes sure that imports go through the sidecar: Glance skips an import plugin that it cannot load."""

from oslo_config import cfg
from oslo_log import log as logging
from stevedore import named

LOG = logging.getLogger(__name__)

NAMESPACE = "glance.image_import.plugins"
NAME = "staging_sidecar"
# Glance's own plugins that do what the sidecar does; after it they would only do it twice.
_COVERED = ("image_decompression", "image_conversion", "inject_image_metadata")


def find_fault():
    """Why images would be imported unprocessed, as a sentence; None when they are not."""
    # Registers the option.
    import glance.async_.flows.api_image_import  # noqa: F401
    configured = cfg.CONF.image_import_opts.image_import_plugins
    if NAME not in configured:
        return ("[image_import_opts] image_import_plugins is %s and does not name %s, so images would be imported "
                "without the staging sidecar. Set it to ['%s'] and restart glance-api."
                % (list(configured), NAME, NAME))
    doubled = [name for name in configured if name in _COVERED]
    if doubled:
        LOG.warning("The import plugins %s are run beside the staging sidecar, which does the same.",
                    ", ".join(doubled))
    failures = []
    loaded = named.NamedExtensionManager(
        NAMESPACE, [NAME], on_load_failure_callback=lambda _, point, error: failures.append("%s: %s" % (point, error)))
    if NAME not in loaded.names():
        return ("The import plugin %s cannot be loaded (%s), so images would be imported without the staging sidecar. "
                "Install the package glance-staging-sidecar where glance-api finds it, and restart glance-api."
                % (NAME, "; ".join(failures) or "no such entry point"))
    return None
