"""Keystone and Barbican, as far as Glance asks them for certificates; and somebody who signs images."""

import base64
import datetime
import json
import re
import threading
import uuid

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from tests.harness.servers import Server

_SECRET = re.compile(r"^/v1/secrets/([0-9a-f-]{36})(/payload)?$")


class KeyManager:
    """One address for both. A token is good when Keystone gave it; it gives one for each token that it knows."""

    def __init__(self):
        self._server = Server(self._respond)
        self.url = self._server.url
        self.certificates = {}
        self.known_tokens = {"alice:blue:member", "root:blue:admin"}
        # Set: it answers. Cleared: it hangs.
        self.answers = threading.Event()
        self.answers.set()
        self._given = set()

    def _respond(self, method, path, headers, body):
        if path == "/v3/auth/tokens" and method == "POST":
            return self._give_token(json.loads(body))
        if path.rstrip("/") in ("/v3", ""):
            return _json(200, self._versions(path))
        if headers.get("X-Auth-Token") not in self._given:
            return _json(401, {"error": "Unauthorized"})
        secret = _SECRET.match(path)
        self.answers.wait()
        if not secret or secret.group(1) not in self.certificates:
            return _json(404, {"title": "Not Found", "description": "Not Found. Sorry but your secret is in another castle."})
        if secret.group(2):
            return 200, {"Content-Type": "application/octet-stream"}, self.certificates[secret.group(1)]
        return _json(200, {
            "name": "signer", "status": "ACTIVE", "secret_type": "certificate", "created": "2026-01-01T00:00:00",
            "updated": "2026-01-01T00:00:00", "expiration": None, "algorithm": None, "bit_length": None, "mode": None,
            "creator_id": "alice", "content_types": {"default": "application/octet-stream"},
            "secret_ref": "%s%s" % (self.url, path)})

    def _give_token(self, request):
        token = request["auth"]["identity"]["token"]["id"]
        if token not in self.known_tokens:
            return _json(401, {"error": {"code": 401, "title": "Unauthorized", "message": "Who is that?"}})
        given = uuid.uuid4().hex
        self._given.add(given)
        endpoint = {"id": "e", "interface": "public", "region": "r", "region_id": "r", "url": self.url}
        answer = {"token": {
            "methods": ["token"], "expires_at": "2099-01-01T00:00:00.000000Z", "issued_at": "2026-01-01T00:00:00.000000Z",
            "user": {"id": "alice", "name": "alice", "domain": {"id": "default", "name": "Default"}}, "roles": [],
            "project": {"id": "blue", "name": "blue", "domain": {"id": "default", "name": "Default"}},
            "catalog": [{"type": "key-manager", "name": "barbican", "id": "c", "endpoints": [endpoint]}]}}
        return _json(201, answer, **{"X-Subject-Token": given})

    def _versions(self, path):
        link = [{"rel": "self", "href": self.url + "/v3/"}]
        if path.startswith("/v3"):
            return {"version": {"id": "v3.14", "status": "stable", "updated": "2020-04-07T00:00:00Z", "links": link}}
        return {"versions": {"values": [
            {"id": "v1", "status": "stable", "updated": "2015-04-28T00:00:00Z", "links": [{"rel": "self", "href": self.url + "/v1/"}]}]}}

    def close(self):
        self._server.close()


class Signer:
    """A key with its certificate, which the key manager has."""

    def __init__(self, keys):
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.certificate_uuid = str(uuid.uuid4())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "images")])
        today = datetime.datetime.utcnow()
        certificate = (
            x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(self._key.public_key())
            .serial_number(1).not_valid_before(today - datetime.timedelta(days=1))
            .not_valid_after(today + datetime.timedelta(days=1)).sign(self._key, hashes.SHA256()))
        self.pem = certificate.public_bytes(serialization.Encoding.PEM)
        keys.certificates[self.certificate_uuid] = self.pem

    def properties(self, content):
        """Of an image with this content."""
        whole = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.MAX_LENGTH)
        return {
            "img_signature": base64.b64encode(self._key.sign(content, whole, hashes.SHA256())).decode(),
            "img_signature_hash_method": "SHA-256", "img_signature_key_type": "RSA-PSS",
            "img_signature_certificate_uuid": self.certificate_uuid}


def _json(status, body, **headers):
    return status, dict({"Content-Type": "application/json"}, **headers), json.dumps(body).encode()
