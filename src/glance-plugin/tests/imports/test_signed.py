"""Signed images: the sidecar verifies what was staged, with certificates from a key manager; all of Glance is real."""

import json
import os
import unittest
from unittest import mock

from tests.harness import glance
from tests.harness.images import qcow2
from tests.harness.keys import Signer
from tests.harness.servers import Server
from tests.harness.support import SCRATCH

_PROPERTIES = ("img_signature", "img_signature_hash_method", "img_signature_key_type", "img_signature_certificate_uuid")
_VERIFIED = "img_signature_verified_with"


class SignedTest(glance.Imports, unittest.TestCase):
    def setUp(self):
        glance.load_once()
        self.user = glance.User()
        self.keys = glance.keys()
        self.signer = Signer(self.keys)
        self.packed, self.plain = qcow2()

    def assert_active(self, image_id, task, size):
        self.assertEqual(task["status"], "success", task["message"])
        image = self.user.show(image_id)
        self.assertEqual((image["status"], image["size"]), ("active", size))
        return image

    def assert_failed(self, image_id, task, status, *texts):
        self.assertEqual(task["status"], "failure")
        for text in texts:
            self.assertIn(text, task["message"])
        image = self.user.show(image_id)
        self.assertEqual(image["status"], status)
        return image

    def test_converted_image_is_active_without_the_signature_that_would_be_wrong(self):
        image_id = self.stage(self.packed, "qcow2", **self.signer.properties(self.packed))
        image = self.assert_active(image_id, self.run_import(image_id), len(self.plain))
        self.assertEqual([name for name in _PROPERTIES if name in image], [])
        self.assertEqual((image[_VERIFIED], image["disk_format"]), (self.signer.certificate_uuid, "raw"))
        # Glance verifies while it copies, too.
        admin = glance.User("root", "blue", "admin")
        task = self.run_import(image_id, admin, "copy-image", stores=["slow"])
        self.assertEqual(task["status"], "success", task["message"])

    def test_image_that_is_not_changed_keeps_its_signature(self):
        # As if by an earlier import: it says nothing of this one.
        image_id = self.stage(self.plain, **self.signer.properties(self.plain), **{_VERIFIED: "somebody"})
        image = self.assert_active(image_id, self.run_import(image_id), len(self.plain))
        self.assertEqual([name for name in _PROPERTIES if name in image], list(_PROPERTIES))
        self.assertNotIn(_VERIFIED, image)

    def test_wrong_signature_is_refused_as_often_as_it_is_tried(self):
        image_id = self.stage(self.packed, "qcow2", **self.signer.properties(self.packed + b"\0"))
        for _ in range(2):
            self.assert_failed(image_id, self.run_import(image_id), "queued", "SIGNATURE_INVALID", self.signer.certificate_uuid)
            self.assertFalse(os.path.exists(os.path.join(glance.daemon().staging, image_id)))
            self.assertEqual(self.user.stage(image_id, self.packed).status_int, 204)

    def test_certificate_that_is_gone_keeps_the_bytes_until_it_is_back(self):
        del self.keys.certificates[self.signer.certificate_uuid]
        image_id = self.stage(self.packed, "qcow2", **self.signer.properties(self.packed))
        self.assert_failed(image_id, self.run_import(image_id), "uploading", "CERTIFICATE_UNAVAILABLE", "no such certificate")
        self.keys.certificates[self.signer.certificate_uuid] = self.signer.pem
        self.assert_active(image_id, self.run_import(image_id), len(self.plain))

    def test_token_that_the_key_manager_does_not_take_is_told_nowhere(self):
        mallory = glance.User("mallory-s3cr3t", "blue")
        image_id = self.stage(self.packed, "qcow2", mallory, **self.signer.properties(self.packed))
        task = self.run_import(image_id, mallory)
        self.assert_failed(image_id, task, "uploading", "CERTIFICATE_UNAVAILABLE", "KeyManagerError")
        known = [os.path.join(SCRATCH, "etc.log"), os.path.join(glance.daemon().directory, "log")]
        for directory, _, names in os.walk(glance.daemon().staging):
            known += [os.path.join(directory, name) for name in names]
        for path in known:
            with open(path, "rb") as file:
                self.assertNotIn(mallory.token.encode(), file.read(), path)

    def test_key_manager_that_hangs_is_given_up(self):
        from glance_sidecar.imports import certificates
        image_id = self.stage(self.packed, "qcow2", **self.signer.properties(self.packed))
        self.keys.answers.clear()
        self.addCleanup(self.keys.answers.set)
        with mock.patch.object(certificates, "TIMEOUT", 0.1):
            task = self.run_import(image_id)
        self.assert_failed(image_id, task, "uploading", "CERTIFICATE_UNAVAILABLE", "did not answer")

    def test_missing_properties_are_named_before_the_import_begins(self):
        properties = self.signer.properties(self.packed)
        kept = {"img_signature": properties["img_signature"], "img_signature_key_type": "RSA-PSS"}
        image_id = self.stage(self.packed, "qcow2", **kept)
        answer = self.user.start_import(image_id)
        self.assertEqual(answer.status_int, 400)
        self.assertIn("Missing: img_signature_hash_method, img_signature_certificate_uuid.", answer.text)
        self.assertEqual(self.user.tasks(image_id), [])
        self.set_properties(image_id, **properties)
        self.assert_active(image_id, self.run_import(image_id), len(self.plain))

    def test_wrong_properties_keep_the_bytes_until_they_are_right(self):
        properties = self.signer.properties(self.packed)
        image_id = self.stage(self.packed, "qcow2", **dict(properties, img_signature_hash_method="MD5"))
        self.assert_failed(image_id, self.run_import(image_id), "uploading", "SIGNATURE_UNSUPPORTED", "SHA-224, SHA-256")
        self.set_properties(image_id, **properties)
        self.assert_active(image_id, self.run_import(image_id), len(self.plain))

    def set_properties(self, image_id, **properties):
        patch = [{"op": "add", "path": "/" + name, "value": value} for name, value in properties.items()]
        answer = self.user.ask("PATCH", "/images/" + image_id, json.dumps(patch).encode(),
                               Content_Type="application/openstack-images-v2.1-json-patch")
        self.assertEqual(answer.status_int, 200, answer.text)

    def test_after_a_failed_store_the_signature_is_back_and_verified_again(self):
        properties = self.signer.properties(self.packed)
        image_id = self.stage(self.packed, "qcow2", **properties)
        in_the_way = os.path.join(SCRATCH, "fast", image_id)
        open(in_the_way, "w").close()
        image = self.assert_failed(image_id, self.run_import(image_id), "uploading")
        self.assertEqual({name: image.get(name) for name in _PROPERTIES}, properties)
        self.assertNotIn(_VERIFIED, image)
        os.unlink(in_the_way)
        self.assert_active(image_id, self.run_import(image_id), len(self.plain))

    def test_download_whose_store_fails_keeps_its_signature_too(self):
        server = Server(lambda *_: (200, {"Content-Length": str(len(self.packed))}, self.packed))
        self.addCleanup(server.close)
        properties = self.signer.properties(self.packed)
        image_id = self.user.create("qcow2", **properties)
        in_the_way = os.path.join(SCRATCH, "fast", image_id)
        open(in_the_way, "w").close()
        task = self.run_import(image_id, method="web-download", uri=server.url + "/image")
        image = self.assert_failed(image_id, task, "queued")
        self.assertEqual({name: image.get(name) for name in _PROPERTIES}, properties)
        self.assertEqual(image["disk_format"], "qcow2")
        os.unlink(in_the_way)
        task = self.run_import(image_id, method="web-download", uri=server.url + "/image")
        self.assert_active(image_id, task, len(self.plain))

    def test_sidecar_that_is_too_old_to_verify_is_not_believed(self):
        from glance_sidecar.imports import signatures
        image_id = self.stage(self.packed, "qcow2", **self.signer.properties(self.packed))
        with mock.patch.object(signatures, "is_verified", lambda result: False):
            self.assert_failed(image_id, self.run_import(image_id), "uploading", "too old to verify")
        self.assert_active(image_id, self.run_import(image_id), len(self.plain))

    def test_certificates_may_lie_in_a_directory(self):
        from oslo_config import cfg
        directory = os.path.join(SCRATCH, "certificates")
        os.makedirs(directory, exist_ok=True)
        del self.keys.certificates[self.signer.certificate_uuid]
        from castellan import key_manager
        cfg.CONF.register_opts(key_manager.key_manager_opts, group="key_manager")
        for name, value, group in (("backend", "certificate_directory", "key_manager"),
                                   ("certificates", directory, "staging_sidecar")):
            cfg.CONF.set_override(name, value, group)
            self.addCleanup(cfg.CONF.clear_override, name, group)
        image_id = self.stage(self.plain, **self.signer.properties(self.plain))
        self.assert_failed(image_id, self.run_import(image_id), "uploading", "CERTIFICATE_UNAVAILABLE", "no such certificate")
        with open(os.path.join(directory, self.signer.certificate_uuid + ".pem"), "wb") as file:
            file.write(self.signer.pem)
        # Unchanged: Glance's own verification reads the directory too.
        self.assert_active(image_id, self.run_import(image_id), len(self.plain))
