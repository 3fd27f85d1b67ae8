"""What our drivers are made of, over real files, Glance's readers and glance_store's maps."""

import io
import os
import stat
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

from tests.harness import glance
from tests.harness.images import qcow2
from tests.harness.support import FAR, SCRATCH, path_of_modules

try:
    from oslo_utils.imageutils import format_inspector as inspectors
except ImportError:
    inspectors = None

MIB = 1024 * 1024

# In a process of its own: see tests/harness/worker.py.
_PLACED_BY_ANOTHER = """
import os, stat, sys
from glance_sidecar.stores import placing

path, target = sys.argv[1:]
os.setgroups([])
os.setgid(4711)
os.setuid(4712)
with open(path, "rb") as file:
    placing.place(file.fileno(), path, target, placing.Mode(0o640, True), lambda done: None)
with open(path, "rb") as file, open(target, "rb") as stored:
    assert stored.read() == file.read()
assert stat.S_IMODE(os.stat(target).st_mode) == 0o640
os.unlink(target)
"""


class SwapTest(unittest.TestCase):
    """Glance's stores are ours, and stay so however they are used."""

    def setUp(self):
        glance.load_once()
        from glance_sidecar import swap
        swap.ensure()
        from oslo_config import cfg
        self.conf = cfg.CONF

    def test_all_stores_but_the_reserved_ones_are_ours_at_their_tenth_use(self):
        import glance_store
        from glance_sidecar import store as staging
        from glance_sidecar.stores import file
        first = glance_store.get_store_from_store_identifier("fast")
        for _ in range(10):
            for name in ("fast", "slow", "far"):
                self.assertIs(type(glance_store.get_store_from_store_identifier(name)), file.Store)
            self.assertIs(type(glance_store.get_store_from_store_identifier("os_glance_staging_store")), staging.Store)
            tasks = glance_store.get_store_from_store_identifier("os_glance_tasks_store")
            self.assertNotIsInstance(tasks, file.Store)
        self.assertIs(glance_store.get_store_from_store_identifier("fast"), first)

    def test_driver_that_is_made_anew_at_each_use_is_ours_each_time(self):
        import glance_store
        from glance_store import capabilities
        from glance_sidecar.stores import file
        once_only = {"_CAPABILITIES": file.Store._CAPABILITIES & ~capabilities.BitMasks.DRIVER_REUSABLE}
        known = glance_store.get_store_from_store_identifier("slow")
        self.addCleanup(known.set_capabilities, capabilities.BitMasks.DRIVER_REUSABLE)
        known.unset_capabilities(capabilities.BitMasks.DRIVER_REUSABLE)
        with mock.patch.multiple(file.Store, **once_only):
            used = [glance_store.get_store_from_store_identifier("slow") for _ in range(10)]
        self.assertEqual({type(store) for store in used}, {file.Store})
        self.assertEqual(len({id(store) for store in used}), 10)
        self.assertEqual({store.datadir for store in used}, {os.path.join(SCRATCH, "slow")})

    def test_driver_that_somebody_derived_is_left_alone(self):
        from glance_store import location
        from glance_store._drivers import filesystem
        from glance_sidecar.stores import swapping

        class Derived(filesystem.Store):
            pass
        entries = location.SCHEME_TO_CLS_BACKEND_MAP["file"]
        derived = Derived.__new__(Derived)
        with mock.patch.dict(entries, {"derived": dict(entries["fast"], store=derived)}):
            swapping.ensure()
            self.assertIs(entries["derived"]["store"], derived)
            self.assertEqual(swapping.algorithms(["derived"], "sha512"), [])
            self.assertEqual(swapping.algorithms(["derived", "fast"], "sha512"), ["md5", "sha512"])

    def test_what_glance_knows_of_a_store_is_the_same(self):
        import glance_store
        from glance.api.v2 import discovery
        # Of all stores it fails with Glance's own driver, too: that of several directories has none.
        details = discovery.InfoController._get_file_properties(glance_store.get_store_from_store_identifier("fast"))
        self.assertEqual(details["data_dir"], os.path.join(SCRATCH, "fast"))
        self.assertEqual(self.conf.enabled_backends["fast"], "file")

    def test_options_are_the_drivers(self):
        import glance_store
        from glance_store._drivers import filesystem
        for name in ("fast", "slow", "far"):
            self.assertIs(glance_store.get_store_from_store_identifier(name).OPTIONS, filesystem.Store.OPTIONS)

    def test_options_are_listed_once(self):
        from glance_store import multi_backend
        self.assertNotIn("sidecar_file", multi_backend._list_driver_opts())


class SettingTest(unittest.TestCase):
    """Where an option of a store is found, with drivers of any version."""

    def setting(self, backend_group, **groups):
        from oslo_config import cfg
        from glance_sidecar.stores import file
        store = file.Store.__new__(file.Store)
        store.conf, store.backend_group = cfg.ConfigOpts(), backend_group
        for group, value in groups.items():
            store.conf.register_opt(cfg.IntOpt("option", default=value), group=group)
        store.conf([])
        return store._setting("option")

    def test_the_stores_own_counts_first(self):
        self.assertEqual(self.setting("fast", fast=0, backend_defaults=2, glance_store=3), 0)

    def test_then_that_of_all_stores(self):
        self.assertEqual(self.setting("fast", fast=None, backend_defaults=2, glance_store=3), 2)

    def test_the_only_store_has_a_group_of_another_name(self):
        self.assertEqual(self.setting(None, backend_defaults=2, glance_store=3), 3)

    def test_what_the_driver_does_not_have_is_none(self):
        self.assertIsNone(self.setting("fast"))
        self.assertIsNone(self.setting("fast", fast=None))


class ReadersTest(unittest.TestCase):
    """Over the readers of the Glance that is installed."""

    def setUp(self):
        glance.load_once()
        from glance.common import exception, utils
        from glance.common.scripts import utils as scripts
        from glance_sidecar.stores.readers import Readers
        self.exception, self.utils, self.scripts = exception, utils, scripts
        self.of = Readers.of
        packed, self.plain = qcow2()
        self.file = tempfile.TemporaryFile(dir=SCRATCH, mode="w+b")
        self.file.write(packed)
        self.file.flush()
        self.open = open("/proc/self/fd/%d" % self.file.fileno(), "rb")
        self.addCleanup(self.file.close)
        self.addCleanup(self.open.close)

    def wrapped(self, source, limit=10 * MIB):
        return self.utils.LimitingReader(self.utils.CooperativeReader(source), limit)

    def test_file_is_found_below_all_layers(self):
        said = []
        data = self.scripts.CallbackIterator(self.wrapped(self.open), lambda *bytes: said.append(bytes))
        readers = self.of(self.wrapped(data))
        self.assertIs(readers.file, self.open)
        readers.callback(1, 2)
        self.assertEqual(said, [(1, 2)])
        self.assertFalse(readers.is_inspected())
        self.assertIsNone(self.of(self.wrapped(self.open)).callback)

    def test_what_is_no_file_or_not_known_is_not_understood(self):
        class Derived(io.BufferedReader):
            pass
        self.assertIsNone(self.of(self.wrapped(io.BytesIO(b"bytes"))))
        self.assertIsNone(self.of(self.wrapped(io.BufferedReader(io.BytesIO(b"bytes")))))
        self.assertIsNone(self.of(self.wrapped(iter([self.open]))))
        self.assertIsNone(self.of(self.wrapped(Derived(self.open.raw))))

        class LimitingReader:
            data = self.open
        self.assertIsNone(self.of(LimitingReader()))

    def test_each_limit_that_is_met_counts(self):
        quota = self.utils.LimitingReader(self.open, 100, self.exception.StorageQuotaFull)
        readers = self.of(self.wrapped(quota, 200))
        readers.check_limits(100)
        with self.assertRaises(self.exception.StorageQuotaFull):
            readers.check_limits(101)
        with self.assertRaises(self.exception.ImageSizeLimitExceeded):
            self.of(self.wrapped(self.open, 100)).check_limits(101)

    def inspected(self, name):
        try:
            from glance.common import format_inspector
        except ImportError:
            self.skipTest("Glance has no inspectors of its own from 2025.1 on")
        inspector = format_inspector.get_inspector(name)()
        return inspector, self.of(self.wrapped(format_inspector.InfoWrapper(self.open, inspector)))

    def test_glance_sees_of_a_qcow2_what_tells_its_virtual_size(self):
        qcow2_format, readers = self.inspected("qcow2")
        self.assertTrue(readers.can_show("qcow2"))
        readers.show("qcow2")
        self.assertEqual((qcow2_format.format_match, qcow2_format.virtual_size), (True, len(self.plain)))
        self.assertEqual(self.open.tell(), 64 * 1024)

    def test_glance_sees_nothing_of_a_raw_image_and_all_of_others(self):
        _, readers = self.inspected("raw")
        readers.show("raw")
        self.assertEqual(self.open.tell(), 0)
        self.assertFalse(readers.can_show("vmdk"))
        self.assertFalse(readers.can_show(None))
        self.assertTrue(self.of(self.wrapped(self.open)).can_show("vmdk"))


@unittest.skipIf(inspectors is None, "this oslo.utils has no inspectors; Glance uses them from 2025.1 on")
class InspectWrapperTest(unittest.TestCase):
    """What Glance takes an image for of which it is shown no more than it needs."""

    def setUp(self):
        from glance_sidecar.stores.readers import Readers
        self.of = Readers.of

    def seen(self, disk_format, *arguments, content=b""):
        with tempfile.TemporaryDirectory(dir=SCRATCH) as directory:
            path = os.path.join(directory, "image")
            if arguments:
                subprocess.run(["qemu-img", "create", "-q", "-f", disk_format, path] + list(arguments), check=True)
            else:
                with open(path, "wb") as file:
                    file.write(content)
            with open(path, "rb") as file:
                wrapper = inspectors.InspectWrapper(file)
                readers = self.of(wrapper)
                if not readers.can_show(disk_format):
                    return None
                readers.show(disk_format)
                read = file.tell()
            wrapper.close()
            return str(wrapper.format), wrapper.format.virtual_size, read

    def test_qcow2(self):
        self.assertEqual(self.seen("qcow2", "8M"), ("qcow2", 8 * MIB, 64 * 1024))

    def test_raw_disk_with_a_partition_table_is_raw_and_of_no_size(self):
        boot_record = bytearray(MIB)
        boot_record[446:462] = bytes((0, 0, 2, 0, 0xEE, 0xFF, 0xFF, 0xFF, 1, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF))
        boot_record[510:512] = b"\x55\xaa"
        boot_record[512:520] = b"EFI PART"
        self.assertEqual(self.seen("raw", content=bytes(boot_record)), ("raw", 0, 0))

    def test_iso(self):
        iso = bytearray(MIB)
        iso[0x8000:0x8006] = b"\x01CD001"
        iso[0x8050:0x8054] = (400).to_bytes(4, "little")
        iso[0x8080:0x8082] = (2048).to_bytes(2, "little")
        kind, size, _ = self.seen("iso", content=bytes(iso))
        self.assertEqual((kind, size), ("iso", 400 * 2048))

    def test_vmdk_is_glances(self):
        self.assertIsNone(self.seen("vmdk", "8M"))


class PlacingTest(unittest.TestCase):
    """On real file systems."""

    def setUp(self):
        from glance_sidecar.stores import copying, placing
        self.copying, self.placing = copying, placing
        self.store = tempfile.mkdtemp(dir=SCRATCH)
        self.content = bytes(3 * MIB) + os.urandom(MIB) + bytes(4 * MIB)
        self.path = os.path.join(tempfile.mkdtemp(dir=SCRATCH), "image")
        with open(self.path, "wb") as file:
            file.seek(3 * MIB)
            file.write(self.content[3 * MIB:4 * MIB])
            file.truncate(len(self.content))
        self.told = []

    def place(self, store=None, mode=None):
        self.target = os.path.join(store or self.store, "stored")
        with open(self.path, "rb") as file:
            return self.placing.place(file.fileno(), self.path, self.target, mode or self.placing.Mode(0o644, False),
                                      self.told.append)

    def assert_stored(self, mode):
        with open(self.target, "rb") as file:
            self.assertTrue(file.read() == self.content)
        status = os.stat(self.target)
        self.assertEqual(stat.S_IMODE(status.st_mode), mode)
        self.assertLess(status.st_blocks * 512, 2 * MIB)
        self.assertEqual(os.listdir(os.path.dirname(self.target)), ["stored"])

    def test_link_has_the_mode_of_a_new_file(self):
        os.chmod(self.path, 0o660)
        self.assertEqual(self.place(), "hard link")
        self.assert_stored(0o644)
        self.assertTrue(os.path.samefile(self.path, self.target))

    def test_two_stores_share_a_file_where_they_agree_on_its_mode(self):
        stores = [tempfile.mkdtemp(dir=SCRATCH) for _ in range(3)]
        for store, bits in zip(stores, (0o644, 0o644, 0o640)):
            self.place(store, self.placing.Mode(bits, True))
            self.assert_stored(bits)
        targets = [os.path.join(store, "stored") for store in stores]
        self.assertTrue(os.path.samefile(targets[0], targets[1]))
        self.assertEqual(stat.S_IMODE(os.stat(targets[0]).st_mode), 0o644)

    def test_file_that_the_group_may_not_read_is_a_copy_as_the_sidecar_reads_the_other(self):
        os.chmod(self.path, 0o660)
        self.assertNotEqual(self.place(mode=self.placing.Mode(0o600, True)), "hard link")
        self.assert_stored(0o600)
        self.assertEqual(stat.S_IMODE(os.stat(self.path).st_mode), 0o660)

    def test_kernel_copies_where_there_can_be_no_link(self):
        with mock.patch("os.link", side_effect=OSError(95, "no hard links here")):
            self.assertIn(self.place(), ("reflink", "copy of the kernel"))
        self.assert_stored(0o644)

    def test_copy_to_another_file_system(self):
        store = tempfile.mkdtemp(dir=FAR)
        self.place(store)
        self.assert_stored(0o644)
        self.assertEqual(self.told[-1], MIB)

    def test_copy_where_the_kernel_makes_none_and_holes_are_not_told(self):
        seek = os.lseek

        def only_ends(file, offset, whence):
            if whence in (os.SEEK_DATA, os.SEEK_HOLE):
                raise OSError(22, "Invalid argument")
            return seek(file, offset, whence)
        with mock.patch("os.link", side_effect=OSError(18, "another device")), \
                mock.patch("os.copy_file_range", side_effect=OSError(18, "another device")), \
                mock.patch("fcntl.ioctl", side_effect=OSError(95, "no reflinks here")), mock.patch("os.lseek", only_ends):
            self.assertEqual(self.place(), "copy")
        with open(self.target, "rb") as file:
            self.assertTrue(file.read() == self.content)

    def test_file_that_has_become_another_meanwhile_is_not_linked(self):
        self.target = os.path.join(self.store, "stored")
        with open(self.path, "rb") as file:
            os.rename(self.path, self.path + ".before")
            with open(self.path, "wb") as other:
                other.write(b"of somebody else")
            self.placing.place(file.fileno(), self.path, self.target, self.placing.Mode(0o644, False), self.told.append)
        self.assert_stored(0o644)

    def test_part_that_was_left_is_no_obstacle(self):
        with open(self.placing.part_of(os.path.join(self.store, "stored")), "wb") as file:
            file.write(b"half of it")
        self.place()
        self.assert_stored(0o644)

    def test_nothing_is_left_of_a_copy_that_was_given_up(self):
        def give_up(done):
            raise InterruptedError()
        self.told = mock.Mock(append=give_up)
        with self.assertRaises(InterruptedError):
            self.place(tempfile.mkdtemp(dir=FAR))
        self.assertEqual(os.listdir(os.path.dirname(self.target)), [])

    @unittest.skipUnless(os.geteuid() == 0, "another user needs root")
    def test_user_who_only_shares_the_group_gets_a_file_that_he_can_read(self):
        os.chmod(SCRATCH, 0o711)
        for path, mode in ((self.store, 0o770), (os.path.dirname(self.path), 0o770), (self.path, 0o660), (self.path, 0o640)):
            os.chown(path, 0, 4711)
            os.chmod(path, mode)
            if path == self.path:
                run = subprocess.run(
                    [sys.executable, "-W", "ignore", "-c", _PLACED_BY_ANOTHER, self.path, os.path.join(self.store, "stored")],
                    capture_output=True, text=True, env=dict(os.environ, PYTHONPATH=path_of_modules()))
                self.assertEqual((run.returncode, run.stderr), (0, ""), oct(mode))


if __name__ == "__main__":
    unittest.main()
