"""Stores that are Glance's own: nobody may import into the staging area itself."""

import webob.exc

PREFIX = "os_glance_"


def refuse_reserved_store(request, body):
    """Raises 400 when a request names such a store, in its body or in its header."""
    named = list(body.get("stores") or []) if isinstance(body.get("stores"), list) else []
    named.append(request.headers.get("X-Image-Meta-Store", ""))
    for store in named:
        if isinstance(store, str) and store.strip().lower().startswith(PREFIX):
            raise webob.exc.HTTPBadRequest(
                explanation="Store %s is reserved for Glance itself: name one of those that GET /v2/info/stores lists."
                            % store)
