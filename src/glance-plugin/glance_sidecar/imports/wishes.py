"""
Which digests the import of an image is going to want: the sidecar computes them while the bytes arrive, and need not read the
image again for them.
"""

from oslo_config import cfg

from glance_sidecar import database
from glance_sidecar.stores import swapping

# img_signature_hash_method to the sidecar's name.
_SIGNED = {"SHA-224": "sha224", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}


def of_image(image_id):
    """
    The field digests of an image that is about to be staged. Which stores it will go to is not known yet: any that Glance has.
    """
    image = database.find_image(image_id)
    if image is None:
        return {}
    method = _SIGNED.get(image.extra_properties.get("img_signature_hash_method"))
    return {
        "disk_format": image.disk_format or "", "container_format": image.container_format or "",
        "of_upload": [method] if method else [],
        "of_output": swapping.algorithms_of_any(image.os_hash_algo or cfg.CONF.hashing_algorithm)}
