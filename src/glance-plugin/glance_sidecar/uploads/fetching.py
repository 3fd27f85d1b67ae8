"""Downloads by the sidecar, in place of the stream that Glance has opened."""

import time
import urllib.parse
import urllib.request

import grpc
from oslo_config import cfg
from oslo_log import log as logging

from glance_sidecar import options
from glance_sidecar.imports import live
from glance_sidecar.imports import wishes
from glance_sidecar.rpc import client
from glance_sidecar.rpc import following
from glance_sidecar.rpc import messages
from glance_sidecar.rpc.errors import SidecarError

LOG = logging.getLogger(__name__)

# Glance has the server's answer in its hands, so where the sidecar gets none at all the network is not the same for both, or the URL
# was good for one request.
_NO_ANSWER = frozenset(("SOURCE_UNREACHABLE", "SOURCE_UNTRUSTED", "SOURCE_REFUSED", "SOURCE_BROKE", "SOURCE_CHANGED"))
_RULES = ("allowed_schemes", "disallowed_schemes", "allowed_hosts", "disallowed_hosts", "allowed_ports", "disallowed_ports")


def fetch(image_id, opened, progress):
    """
    Has the sidecar download what Glance has opened for the running task. Returns the size, with opened closed; or None when Glance
    is to read it. Raises SidecarError, and what progress raises; then nothing is staged.
    """
    url = _url(image_id)
    if url is None:
        return None
    return _Fetch(image_id, url, opened, progress).run()


def _url(image_id):
    running = live.of_image(image_id)
    url = running.url if running is not None else None
    if not url or options.settings().download != "auto":
        return None
    parts = urllib.parse.urlsplit(url)
    if parts.scheme.lower() not in ("http", "https") or _has_proxy(parts):
        return None
    return url


def _has_proxy(parts):
    # Glance's way of downloading heeds the environment, and a proxy connects to where no rule of ours can look.
    proxies = urllib.request.getproxies()
    found = proxies.get(parts.scheme.lower()) or proxies.get("all")
    return bool(found) and not urllib.request.proxy_bypass(parts.hostname or "")


class _Fetch:
    """One download, over as many calls as it takes."""

    def __init__(self, image_id, url, opened, progress):
        self._image_id = image_id
        self._opened = opened
        self._progress = progress
        self._settings = options.settings()
        self._request = {
            "url": url, "rules": _rules(), "max_bytes": max(0, cfg.CONF.image_size_cap), "digests": wishes.of_image(image_id)}
        self._heard = 0.0
        self._is_asked_again = False

    def run(self):
        replaced = False
        down_since = None
        while True:
            try:
                return self._watch()
            except SidecarError as failure:
                if self._may_leave_to_glance(failure):
                    LOG.info("Glance itself downloads image %s: %s", self._image_id, failure.message)
                    return None
                if failure.reason == "ALREADY_STAGED" and self._is_asked_again:
                    # The answer to an earlier call was lost, not the image.
                    return client.get().call("Staging.GetImage", image_id=self._image_id).size
                if failure.reason == "ALREADY_STAGED" and not replaced:
                    replaced = True
                    client.get().call("Staging.DeleteImage", timeout=client.DELETE_TIMEOUT, image_id=self._image_id)
                    continue
                # One that has not begun is refused as ever: by when_down.
                if not failure.transient or not self._heard:
                    self._give_up(failure)
                now = time.monotonic()
                if down_since is None or self._heard > down_since:
                    down_since = now
                if now - down_since >= self._settings.wait:
                    self._give_up(failure)
                self._is_asked_again = True
                self._wait(failure)

    def _watch(self):
        """Follows one call to its end."""
        call = client.get().open("Downloads.DownloadImage", image_id=self._image_id, **self._request)
        done, total = 0, None
        try:
            for event in following.follow(call, self._settings.progress_interval):
                if event is not None:
                    self._heard = time.monotonic()
                    done, total = event.bytes_done, event.bytes_total if event.HasField("bytes_total") else None
                    if done:
                        self._close()
                    if event.HasField("image"):
                        return event.image.size
                self._progress.tell(done, total)
            raise SidecarError(grpc.StatusCode.UNAVAILABLE, "", "The sidecar ended the call before the image was there.")
        except SidecarError:
            raise
        except BaseException:
            # Somebody else ended the task, or this process ends.
            call.cancel()
            self._abort()
            raise
        finally:
            call.cancel()

    def _may_leave_to_glance(self, failure):
        if failure.code == grpc.StatusCode.UNIMPLEMENTED:
            return True
        return (self._opened is not None and self._progress.bytes == 0
                and failure.reason in _NO_ANSWER and failure.facts.get("received") == "0")

    def _wait(self, failure):
        LOG.info("The download of image %s waits for the sidecar: %s", self._image_id, failure.message)
        try:
            self._progress.wait("Waiting for the staging sidecar: %s" % failure.message)
        except BaseException:
            self._abort()
            raise
        client.get().pause(0.5)

    def _give_up(self, failure):
        # A sidecar that answers has discarded what it had, and what another call has of the image by now is that one's.
        if failure.transient:
            self._abort()
        raise failure

    def _close(self):
        """Glance only looks at the headers of what it opened from here on."""
        opened, self._opened = self._opened, None
        close = getattr(opened, "close", None)
        if close is not None:
            close()

    def _abort(self):
        # Of a call that the sidecar could not end itself, say as it died, the bytes would lie there for a day or two.
        if not self._heard:
            return
        try:
            client.get().call("Staging.AbortUpload", image_id=self._image_id)
        except SidecarError as failure:
            LOG.info("The rest of the download of image %s stays until the sidecar removes it: %s", self._image_id, failure.message)


def _rules():
    configured = getattr(cfg.CONF, "import_filtering_opts", None)
    return messages.DownloadRules(**{name: [_plain(value) for value in getattr(configured, name, None) or ()] for name in _RULES})


def _plain(value):
    return value if isinstance(value, int) else str(value)
