"""
Images with a signature: Glance's img_signature properties, and what the sidecar is asked to verify.

The signature is of the bytes that were uploaded. Glance would verify it over what it writes to the store, so an image whose
bytes the sidecar has changed leaves its import without these properties.
"""

import uuid

SIGNATURE = "img_signature"
CERTIFICATE = "img_signature_certificate_uuid"
# Property to field of ImageSignature.
_FIELDS = {
    SIGNATURE: "signature", "img_signature_hash_method": "hash_method", "img_signature_key_type": "key_type",
    CERTIFICATE: "certificate_uuid"}
# Set by the sidecar where it verified a signature that does not fit the new bytes.
VERIFIED_WITH = "img_signature_verified_with"


def is_signed(properties):
    """Whether any of the properties is there; what is wrong with them is another question."""
    return any(name in properties for name in _FIELDS)


def find_fault(properties):
    """What keeps the image from being verified, as a sentence; None when it has no signature, or all of one."""
    if not is_signed(properties):
        return None
    missing = [name for name in _FIELDS if not properties.get(name)]
    if missing:
        return ("The image has a signature, but not all of its properties. Missing: %s. Set them, or remove the others."
                % ", ".join(missing))
    if not _is_uuid(properties[CERTIFICATE]):
        return "%s is wrong: it must be a UUID." % CERTIFICATE
    return None


def to_request(properties, certificate):
    """The field `signature` of a RunImportRequest. certificate: bytes of the one that the properties name."""
    return dict({field: properties[name] for name, field in _FIELDS.items()}, certificate=certificate)


def is_verified(result):
    """Whether the sidecar verified the signature. One that knows of none imports the image without."""
    return result.signature in (_OF_OUTPUT, _OF_INPUT)


def is_left_to_glance(result):
    """Whether the image keeps a signature of the bytes that it has now, which Glance verifies as it stores them."""
    return result.signature == _OF_OUTPUT


def outdated(result):
    """The properties that are wrong of the image from now on."""
    names = set(_FIELDS) if result.signature == _OF_INPUT else set()
    # Of an earlier import, or somebody's own.
    return names | ({VERIFIED_WITH} - set(result.properties))


def restore(properties, before):
    """Gives an image that was not imported after all its signature back: an import without one would not be verified."""
    if not is_signed(before):
        return
    for name in _FIELDS:
        if name in before:
            properties.setdefault(name, before[name])
    if VERIFIED_WITH not in before:
        properties.pop(VERIFIED_WITH, None)


def _is_uuid(text):
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


# SignatureOutcome.
_OF_OUTPUT = 1
_OF_INPUT = 2
