"""
Fetches the certificate of a signature from where Glance itself does: castellan's key manager, with the context of the user who
imports. His token stays in this process; only the certificate goes to the sidecar.
"""

import queue
import threading

from castellan import key_manager
from castellan.common import exception
from oslo_config import cfg
from oslo_log import log as logging

LOG = logging.getLogger(__name__)

# Seconds. The key manager's clients have no limit of their own, and an import that waits for ever cannot be repeated.
TIMEOUT = 60


class CertificateUnavailable(Exception):
    """There is no certificate, for now; the text is for the user."""


def fetch(context, certificate_uuid):
    """The certificate, DER or PEM, as bytes."""
    answers = queue.Queue()
    threading.Thread(
        target=_ask, args=(context, certificate_uuid, answers), name="certificate", daemon=True).start()
    try:
        certificate, why = answers.get(timeout=TIMEOUT)
    except queue.Empty:
        certificate, why = None, "the key manager did not answer for %d s" % TIMEOUT
    if certificate is None:
        LOG.warning("The certificate %s was not fetched: %s.", certificate_uuid, why)
        raise CertificateUnavailable("The certificate %s cannot be fetched: %s." % (certificate_uuid, why))
    return certificate


def _ask(context, certificate_uuid, answers):
    try:
        found = key_manager.API(cfg.CONF).get(context, certificate_uuid)
        if getattr(found, "format", None) == "X.509":
            answers.put((found.get_encoded(), None))
        else:
            answers.put((None, "what the key manager has under this id is no X.509 certificate"))
    except exception.ManagedObjectNotFoundError:
        answers.put((None, "the key manager has no such certificate"))
    except Exception as failure:  # whatever the key manager's own client raises
        # Without its text, which is for no user, and may repeat what was sent. The key manager logs what may be told.
        answers.put((None, "the key manager failed (%s)" % type(failure).__name__))
