"""A key manager for sites without Barbican: certificates in a directory, as files UUID.pem or UUID.crt."""

import base64
import os
import re
import uuid

from castellan.common import exception
from castellan.common.objects import x_509
from castellan.key_manager import not_implemented_key_manager

from glance_sidecar import options

_MOST_BYTES = 64 * 1024
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)


class CertificateDirectory(not_implemented_key_manager.NotImplementedKeyManager):
    """Castellan driver `certificate_directory`. It only reads."""

    def get(self, context, managed_object_id, metadata_only=False):
        content = _read(options.settings().certificates, managed_object_id)
        return x_509.X509(None if metadata_only else content, id=managed_object_id)


def _read(directory, certificate_uuid):
    """The certificate in DER, which is what castellan's callers expect."""
    if not directory:
        raise exception.KeyManagerError(reason="[staging_sidecar] certificates names no directory")
    try:
        # A user chose the text; as a UUID it can be no path.
        name = str(uuid.UUID(certificate_uuid))
    except ValueError:
        raise exception.ManagedObjectNotFoundError(uuid=certificate_uuid) from None
    for suffix in (".pem", ".crt"):
        try:
            with open(os.path.join(directory, name + suffix), "rb") as file:
                content = file.read(_MOST_BYTES)
        except FileNotFoundError:
            continue
        except OSError as failure:
            raise exception.KeyManagerError(reason=failure.strerror) from failure
        pem = _PEM.search(content)
        return base64.b64decode(pem.group(1)) if pem else content
    raise exception.ManagedObjectNotFoundError(uuid=certificate_uuid)
