"""Stands where keystonemiddleware's authtoken stands: the token says who somebody is, as user:project:role,role."""
import urllib.parse

import keystonemiddleware.auth_token  # noqa: F401  registers the options that Glance's own proxying reads


def filter_factory(global_conf, **local_conf):
    return Filter


class Filter:
    def __init__(self, app):
        self.app = app

    def __call__(self, environ, start_response):
        for name in [name for name in environ if name in IDENTITY]:
            del environ[name]
        # The official client quotes what is in its headers.
        parts = urllib.parse.unquote(environ.get('HTTP_X_AUTH_TOKEN', '')).split(':')
        if len(parts) == 3:
            user, project, roles = parts
            environ.update(HTTP_X_IDENTITY_STATUS='Confirmed', HTTP_X_USER_ID=user, HTTP_X_PROJECT_ID=project,
                           HTTP_X_TENANT_ID=project, HTTP_X_ROLES=roles, HTTP_X_SERVICE_CATALOG='[]')
        return self.app(environ, start_response)


IDENTITY = ('HTTP_X_IDENTITY_STATUS', 'HTTP_X_USER_ID', 'HTTP_X_PROJECT_ID', 'HTTP_X_TENANT_ID', 'HTTP_X_ROLES',
            'HTTP_X_SERVICE_CATALOG')
