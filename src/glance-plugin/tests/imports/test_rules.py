"""What is read from Glance's configuration and passed along."""

import unittest

from oslo_config import cfg

from glance_sidecar.imports import rules


class RulesTest(unittest.TestCase):
    def configured(self, **values):
        conf = cfg.ConfigOpts()
        conf.register_opts([
            cfg.ListOpt("disk_formats", default=["raw", "qcow2"]), cfg.ListOpt("container_formats", default=["bare"]),
            cfg.ListOpt("vmdk_allowed_types", default=["streamOptimized"]),
            cfg.ListOpt("gpt_safety_checks_nonfatal", default=[]), cfg.BoolOpt("require_image_format_match", default=True),
        ], group="image_format")
        conf([])
        for name, value in values.items():
            conf.set_override(name, value, group="image_format")
        return conf

    def claimed(self, disk_format, container_format, conf):
        """The formats, where no check is tolerated."""
        claim = rules.of_upload(disk_format, container_format, conf)
        self.assertEqual(claim.pop("tolerated_checks"), [])
        return claim["disk_format"], claim["container_format"]

    def test_the_defaults_of_a_new_glance(self):
        self.assertEqual(rules.of_import(self.configured()), {
            "disk_formats": ["qcow2", "raw"], "container_formats": ["bare"], "vmdk_types": {"names": ["streamOptimized"]},
            "tolerated_checks": [], "allow_format_mismatch": False})

    def test_a_glance_without_the_options(self):
        self.assertEqual(rules.of_import(cfg.ConfigOpts()), {
            "disk_formats": [], "container_formats": [], "tolerated_checks": [], "allow_format_mismatch": False})

    def test_checks_that_are_not_fatal_are_named_as_the_sidecar_names_them(self):
        found = rules.of_import(self.configured(gpt_safety_checks_nonfatal=["mbr", "other"]))
        self.assertEqual(found["tolerated_checks"], ["mbr_boot_flag", "mbr_hybrid", "mbr_partitions", "mbr_protective"])

    def test_an_upload_brings_the_checks_that_are_not_fatal(self):
        conf = self.configured(gpt_safety_checks_nonfatal=["gptmbr"])
        self.assertEqual(rules.of_upload("raw", "bare", conf), {
            "disk_format": "raw", "container_format": "bare", "tolerated_checks": rules.of_import(conf)["tolerated_checks"]})
        self.assertEqual(self.claimed("raw", "bare", self.configured(gpt_safety_checks_nonfatal=["other"])), ("raw", "bare"))

    def test_no_vmdk_at_all(self):
        self.assertEqual(rules.of_import(self.configured(vmdk_allowed_types=[]))["vmdk_types"], {"names": []})

    def test_an_upload_is_held_against_formats_that_the_sidecar_knows(self):
        conf = self.configured()
        self.assertEqual(self.claimed("qcow2", "bare", conf), ("qcow2", "bare"))
        self.assertEqual(self.claimed("root-tar", "bare", conf), ("", "bare"))
        self.assertEqual(self.claimed("qcow2", "lxd", conf), ("qcow2", "docker"))

    def test_where_the_claim_does_not_count_an_upload_is_held_against_none(self):
        conf = self.configured(require_image_format_match=False)
        self.assertEqual(self.claimed("raw", "bare", conf), ("", "bare"))
        self.assertTrue(rules.of_import(conf)["allow_format_mismatch"])


if __name__ == "__main__":
    unittest.main()
