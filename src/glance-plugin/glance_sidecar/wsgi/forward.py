"""Import requests that are sent to the glance-api of the pod that has the staged bytes."""

# By name: once Glance's libraries have imported eventlet, http.client as an attribute of http may be eventlet's own
# copy, which waits for ever in a native thread.
from http.client import HTTPConnection, HTTPException, HTTPSConnection
import socket
import ssl
import urllib.parse

from oslo_log import log as logging
import webob
import webob.exc

from glance_sidecar import options
from glance_sidecar import refusals
from glance_sidecar.rpc import client

LOG = logging.getLogger(__name__)

# Says that a request came from another pod; it is never sent on.
GUARD = "X-Staging-Sidecar-Forwarded"
# Glance answers an import request as soon as its task is queued.
TIMEOUT = 60
# What a client may say with an import request. The identity that this pod's authtoken worked out is left out: the other
# pod works it out again from the token.
_HEADERS = ("X-Auth-Token", "X-Service-Token", "Content-Type", "Accept", "Accept-Language", "User-Agent",
            "X-Image-Meta-Store", "X-Openstack-Request-Id", "Traceparent", "Tracestate")


def wanted(request, owner):
    """Whether the request should go to the owner's pod instead of being answered here."""
    if not options.settings().pod_url or request.headers.get(GUARD):
        return False
    return owner != own_name()


def own_name():
    """This pod's name, as the sidecars know it. Raises SidecarError."""
    return getattr(client.get().call("Peers.ListPeers"), "self").name


def send(request, owner):
    """The other pod's answer. Raises 503 when it cannot be reached and 504 when it does not answer."""
    base = urllib.parse.urlsplit(options.settings().pod_url.format(pod=owner))
    make = HTTPSConnection if base.scheme == "https" else HTTPConnection
    connection = make(base.hostname, base.port, timeout=TIMEOUT)
    headers = {name: request.headers[name] for name in _HEADERS if name in request.headers}
    headers[GUARD] = own_name()
    path = base.path.rstrip("/") + request.path_info + ("?" + request.query_string if request.query_string else "")
    try:
        connection.request(request.method, path, body=request.body, headers=headers)
        answer = connection.getresponse()
        content = answer.read()
    except socket.timeout as failure:
        raise webob.exc.HTTPGatewayTimeout(
            explanation="Pod %s, which has the image's staged bytes, did not answer within %d s. The import may have "
                        "begun: look at the image before trying again." % (owner, TIMEOUT)) from failure
    except (OSError, ssl.SSLError, HTTPException) as failure:
        raise refusals.unavailable(
            "Pod %s, which has the image's staged bytes, cannot be reached (%s). Try again later." % (owner, failure)
        ) from failure
    finally:
        connection.close()
    LOG.info("The import request was answered with %d by pod %s, which has the staged bytes.", answer.status, owner)
    return _relay(answer, content)


def _relay(answer, content):
    relayed = webob.Response(status="%d %s" % (answer.status, answer.reason), body=content)
    for name in ("Content-Type", "X-Openstack-Request-Id", "Retry-After"):
        value = answer.getheader(name)
        if value is not None:
            relayed.headers[name] = value
    return relayed
