"""How Glance's settings of an S3 store become the sidecar's, over the driver that is installed."""

import os
import tempfile
import unittest
from unittest import mock

from oslo_config import cfg

from glance_store._drivers import s3 as driver

from glance_sidecar.stores import s3
from glance_sidecar.stores.refusal import Unsupported
from tests.harness.support import SCRATCH

_IMAGE = "0e5ddd95-2f75-4d3a-9d2c-7c9b5d7f9f00"
_OF_LATER_DRIVERS = [cfg.StrOpt("s3_store_region_name", default=""), cfg.StrOpt("s3_store_cacert", default="")]


def _store(more=(), **settings):
    conf = cfg.ConfigOpts()
    conf.register_opts(driver._S3_OPTS, group="glance_store")
    conf.register_opts(more, group="glance_store")
    conf([], default_config_files=[])
    values = dict(host="http://127.0.0.1:7480", access_key="key", secret_key="secret", bucket="images")
    for name, value in dict(values, **settings).items():
        conf.set_override("s3_store_" + name, value, group="glance_store")
    store = s3.Store(conf)
    store.configure_add()
    return store


class TargetTest(unittest.TestCase):
    def target(self, more=(), **settings):
        store = _store(more, **settings)
        store._check()
        return store._target()["s3"]

    def test_settings_are_the_drivers(self):
        self.assertEqual(self.target(), {
            "endpoint": "http://127.0.0.1:7480", "access_key": "key", "secret_key": "secret", "bucket": "images", "region": "",
            "virtual_hosted": False, "ca_certificates": "", "create_bucket": False})
        self.assertTrue(self.target(create_bucket_on_put=True)["create_bucket"])
        self.assertEqual(self.target(host="s3.example:80")["endpoint"], "http://s3.example:80")

    def test_bucket_is_where_boto3_puts_it(self):
        amazon = "https://s3-eu-west-1.amazonaws.com"
        for settings, expected in (
                (dict(bucket_url_format="auto"), False), (dict(bucket_url_format="virtual"), True), (dict(bucket_url_format="path"), False),
                (dict(host=amazon), True), (dict(host=amazon, bucket="a.b"), False), (dict(host=amazon, bucket_url_format="path"), False)):
            self.assertEqual(self.target(**settings)["virtual_hosted"], expected, settings)
        self.assertEqual(self.target(host=amazon)["region"], "eu-west-1")

    def test_certificates_go_with_the_target(self):
        with tempfile.NamedTemporaryFile("w", dir=SCRATCH) as file, mock.patch.dict(os.environ, AWS_CA_BUNDLE=file.name):
            file.write("PEM")
            file.flush()
            self.assertEqual(self.target(host="https://s3.example")["ca_certificates"], "PEM")
            self.assertEqual(self.target()["ca_certificates"], "", "nothing is encrypted")
        with mock.patch.dict(os.environ, AWS_CA_BUNDLE="/none.pem"), self.assertRaisesRegex(Unsupported, "/none.pem"):
            self.target(host="https://s3.example")

    def test_options_of_later_drivers_count(self):
        known = {option.name for option in driver._S3_OPTS}
        more = [option for option in _OF_LATER_DRIVERS if option.name not in known]
        self.assertEqual(self.target(more, region_name="garage")["region"], "garage")

    def test_location_is_the_drivers(self):
        store = _store()
        place = s3.StoreLocation(store._specs(_IMAGE, {}), store.conf)
        # The keys are not in it since glance_store 5.
        self.assertRegex(place.get_uri(), "^s3://(key:secret@)?127.0.0.1:7480/images/%s$" % _IMAGE)
        read = s3.StoreLocation({}, store.conf)
        read.parse_uri(place.get_uri())
        self.assertEqual((read.bucket, read.key), ("images", _IMAGE))
        if "@" in place.get_uri():
            self.assertEqual((read.accesskey, read.secretkey), ("key", "secret"))

    def test_name_for_the_log_has_no_key(self):
        self.assertEqual(_store()._pool(), "bucket images")


if __name__ == "__main__":
    unittest.main()
