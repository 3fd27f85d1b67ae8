"""Images to import."""

import os
import subprocess
import tempfile

from tests.harness.support import SCRATCH


def qcow2(size_mib=4, content_mib=1):
    """A qcow2 image with some content, and what a guest would see of it."""
    with tempfile.TemporaryDirectory(dir=SCRATCH) as directory:
        raw, packed = os.path.join(directory, "raw"), os.path.join(directory, "qcow2")
        with open(raw, "wb") as file:
            file.write(os.urandom(content_mib * 1024 * 1024))
            file.truncate(size_mib * 1024 * 1024)
        subprocess.run(["qemu-img", "convert", "-O", "qcow2", raw, packed], check=True)
        with open(raw, "rb") as plain, open(packed, "rb") as image:
            return image.read(), plain.read()
