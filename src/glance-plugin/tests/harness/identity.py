"""Identity for tests; imported by server processes too, and so without the rest of the tests."""

# The roles that come with one, as Keystone has them: the policies of later versions of Glance ask for the least that is needed.
_IMPLIED = {"admin": "admin,member,reader", "member": "member,reader"}


def tokens(global_conf):
    """A filter that believes a token such as user:project:role."""
    def make(app):
        def respond(environ, start_response):
            user, project, role = (environ.get("HTTP_X_AUTH_TOKEN") or "nobody:none:reader").split(":")
            environ.update(HTTP_X_IDENTITY_STATUS="Confirmed", HTTP_X_USER_ID=user, HTTP_X_PROJECT_ID=project,
                           HTTP_X_ROLES=_IMPLIED.get(role, role))
            return app(environ, start_response)
        return respond
    return make
