"""What Glance's operator allows, from section [image_format] of its configuration, so that it is said in one place."""

from oslo_config import cfg

# Formats that the sidecar knows, by Glance's names. It leaves a disk of any other alone.
_DISKS = frozenset("ami ari aki vhd vhdx vmdk raw qcow2 vdi iso ploop luks".split())
_CONTAINERS = frozenset("ami ari aki bare ovf ova docker compressed".split())
# Known, and not looked into, as any container is that only the operator knows.
_CLOSED = "docker"
# Glance names the inspector's check; the sidecar names what that looks at.
_CHECKS = {
    "mbr": ("mbr_boot_flag", "mbr_partitions", "mbr_hybrid", "mbr_protective"),
    "gptmbr": ("mbr_boot_flag", "mbr_partitions", "mbr_hybrid", "mbr_protective"),
}


def of_import(conf=cfg.CONF):
    """The field rules of an import's request."""
    rules = {
        "disk_formats": sorted(_option(conf, "disk_formats", ())),
        "container_formats": sorted(_option(conf, "container_formats", ())),
        "tolerated_checks": _tolerated(conf),
        "allow_format_mismatch": not _option(conf, "require_image_format_match", True),
    }
    types = _option(conf, "vmdk_allowed_types", None)
    if types is not None:
        rules["vmdk_types"] = {"names": sorted(types)}
    return rules


def of_upload(disk_format, container_format, conf=cfg.CONF):
    """
    What an upload is held against, as the fields of a request's claim. Without a format it may be of any that is safe, as far
    as its first bytes tell.
    """
    if disk_format not in _DISKS or not _option(conf, "require_image_format_match", True):
        disk_format = ""
    if container_format and container_format not in _CONTAINERS:
        container_format = _CLOSED
    return {"disk_format": disk_format, "container_format": container_format or "", "tolerated_checks": _tolerated(conf)}


def _tolerated(conf):
    return sorted({check for name in _option(conf, "gpt_safety_checks_nonfatal", ()) for check in _CHECKS.get(name, ())})


def _option(conf, name, default):
    # Zed has not all of them.
    value = getattr(getattr(conf, "image_format", None), name, default)
    return default if value is None else value
