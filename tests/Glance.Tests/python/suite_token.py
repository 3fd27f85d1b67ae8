"""Stands where keystonemiddleware's authtoken stands: the token says who somebody is, as user:project:role,role."""
import json
import urllib.parse

import keystonemiddleware.auth_token  # noqa: F401  registers the options that Glance's own proxying reads


def filter_factory(global_conf, other_region):
    """other_region: address of the image service that users find in their catalog, in tempest's default region."""
    endpoint = {'region': 'RegionOne', 'publicURL': other_region}
    catalog = json.dumps([{'type': 'image', 'endpoints': [endpoint]}])
    return lambda app: Filter(app, catalog)


class Filter:
    def __init__(self, app, catalog):
        self.app = app
        self.catalog = catalog

    def __call__(self, environ, start_response):
        for name in [name for name in environ if name in IDENTITY]:
            del environ[name]
        # The official client quotes what is in its headers.
        parts = urllib.parse.unquote(environ.get('HTTP_X_AUTH_TOKEN', '')).split(':')
        if len(parts) == 3:
            user, project, roles = parts
            roles = ','.join(IMPLIED.get(role, role) for role in roles.split(','))
            environ.update(HTTP_X_IDENTITY_STATUS='Confirmed', HTTP_X_USER_ID=user, HTTP_X_PROJECT_ID=project,
                           HTTP_X_TENANT_ID=project, HTTP_X_ROLES=roles, HTTP_X_SERVICE_CATALOG=self.catalog)
        return self.app(environ, start_response)


# The roles that come with one, as Keystone has them: the policies of later versions of Glance ask for the least that is needed.
IMPLIED = {'admin': 'admin,member,reader', 'member': 'member,reader'}
IDENTITY = ('HTTP_X_IDENTITY_STATUS', 'HTTP_X_USER_ID', 'HTTP_X_PROJECT_ID', 'HTTP_X_TENANT_ID', 'HTTP_X_ROLES',
            'HTTP_X_SERVICE_CATALOG')
