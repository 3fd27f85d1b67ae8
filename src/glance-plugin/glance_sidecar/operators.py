"""
Properties that an import sets or removes for the operator, of an image that belongs to a user: property_protection_file is
about requests of users, and an import that may not seal an image would fail for every user whom it is meant for.
"""


def set_properties(action, properties):
    """As set_image_extra_properties, whatever the user may do. Properties of Glance's own are left to Glance."""
    own = {name: value for name, value in properties.items() if not name.startswith("os_glance_")}
    # The mapping that Glance hands out asks the rules when it is written to; below that it is a dict.
    for name, value in own.items():
        dict.__setitem__(_of(action), name, value)


def remove_properties(action, names):
    """Removes those that are there."""
    for name in names:
        dict.pop(_of(action), name, None)


def set_digests(action, digests):
    """checksum, os_hash_algo and os_hash_value: Glance leaves those to the storing of the image, which compares them."""
    for name, value in digests.items():
        setattr(action._image, name, value)


def _of(action):
    # As Glance's own wrapper does, which has no other way to the image.
    return action._image.extra_properties
