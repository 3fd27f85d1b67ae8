"""
Requests that Glance stumbles over in its database and that it can be asked again. Some of Glance's transactions are not
repeated when the database server ends one to resolve a deadlock, and a user then reads HTTP 500 for nothing that he did.
"""

import time

from oslo_log import log as logging

LOG = logging.getLogger(__name__)

# Seconds before the second and the third attempt.
_PAUSES = (0.2, 1.0)


def ask(app, request, is_untouched=lambda: True):
    """
    Glance's answer; after a 500 that left everything as it was, as is_untouched says, its answer to the same request
    once more. The request's body is small, as it is copied.
    """
    for pause in _PAUSES:
        answer = request.copy().get_response(app)
        if answer.status_int != 500 or not is_untouched():
            return answer
        LOG.info("Glance failed at %s %s and changed nothing; it is asked again.", request.method, request.path_info)
        time.sleep(pause)
    return request.copy().get_response(app)
