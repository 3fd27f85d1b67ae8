"""What the filter asks Glance about an image."""

import webob.exc

from glance_sidecar import database


def show(app, request, image_id):
    """
    The image as the user sees it, by GET through Glance, so that its policies hold; None when Glance does not show it.
    """
    question = request.copy_get()
    # The middleware behind this filter must not take it for the request that is being answered.
    for key in [key for key in question.environ if key.startswith(("wsgiorg.", "webob._"))]:
        del question.environ[key]
    for key in ("HTTP_RANGE", "HTTP_IF_NONE_MATCH", "HTTP_X_OPENSTACK_IMAGE_SIZE", "HTTP_TRANSFER_ENCODING"):
        question.environ.pop(key, None)
    question.path_info = "/v2/images/%s" % image_id
    question.query_string = ""
    question.accept = "application/json"
    answer = question.get_response(app)
    if answer.status_int != 200:
        return None
    return answer.json_body


def context_of(request):
    """Glance's context of the request, or None where its filter did not run before this one."""
    return getattr(request, "context", None)


def may_modify(request, image_id):
    """Whether Glance's policies let this user change the image, which mending its status is."""
    context = context_of(request)
    return context is not None and database.may_modify(context, image_id)


def back_to_queued(image_id):
    """Makes an image that is `uploading` ready to be staged again. Raises 409 when it changed meanwhile."""
    if not database.to_queued(image_id, "uploading"):
        raise webob.exc.HTTPConflict(explanation="The image changed meanwhile: look at its status, and try again.")
