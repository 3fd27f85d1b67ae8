"""The S3 store: the sidecar writes the image to its bucket, many parts at once, without ever holding it in memory."""

import os

from glance_store._drivers import s3

from glance_sidecar.stores.refusal import SETTINGS, Unsupported
from glance_sidecar.stores.written import WrittenStore

# glance_store looks for the location class in the module of the driver.
StoreLocation = s3.StoreLocation


def specs_of(store, image_id):
    """What the location of an image in a store of this type is made of, as its driver makes it: with the keys."""
    return {
        "scheme": store.scheme, "bucket": store.bucket, "key": image_id, "s3serviceurl": store.full_s3_host,
        "accesskey": store.access_key, "secretkey": store.secret_key}


class Store(WrittenStore, s3.Store):
    """Glance's S3 store."""

    def _target(self):
        # Over the pod's own socket; the sidecar keeps the keys in memory, as long as it writes.
        return {"s3": {
            "endpoint": self.full_s3_host, "access_key": self.access_key, "secret_key": self.secret_key, "bucket": self.bucket,
            "region": self._region(), "virtual_hosted": self._is_virtual_hosted(), "ca_certificates": self._certificates(),
            "create_bucket": bool(self._option_get("s3_store_create_bucket_on_put"))}}

    def _specs(self, image_id, facts):
        return specs_of(self, image_id)

    def _pool(self):
        return "bucket %s" % self.bucket

    def _check(self):
        super()._check()
        self._certificates()

    def _region(self):
        return self._setting("s3_store_region_name") or s3.get_s3_location(self.s3_host)

    def _is_virtual_hosted(self):
        # As boto3 takes "auto": by the host's name at Amazon's servers, whose certificates have no room for a bucket with dots; by the
        # path at all others.
        style = self._option_get("s3_store_bucket_url_format")
        return style == "virtual" or (style == "auto" and bool(s3.get_s3_location(self.s3_host)) and "." not in self.bucket)

    def _certificates(self):
        # As boto3 finds them, but for its own: those that the sidecar's container trusts are as good.
        path = self._setting("s3_store_cacert") or os.environ.get("AWS_CA_BUNDLE")
        if not path or not self.full_s3_host.startswith("https://"):
            return ""
        try:
            with open(path, encoding="utf-8") as file:
                return file.read()
        except (OSError, UnicodeDecodeError) as failure:
            raise Unsupported(SETTINGS, "its certificates cannot be read from %s: %s" % (path, failure)) from failure
