# SPDX-License-Identifier: Apache-2.0
"""S3 and STS: moto behind a front that refuses what AWS refuses and moto lets through: wrong signatures (checked with botocore), expired
keys, clocks that are off, headers that contradict one another. Everything that arrives is logged; see AlertEndpoint for its faults.

What it does not do: policies of buckets and users, KMS, regions, virtual hosts."""
import base64
import datetime
import hashlib
import http.client
import json
import re
import urllib.parse

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.credentials
from botocore.config import Config
from moto.server import ThreadedMotoServer

from .alert_endpoint import AlertEndpoint

XML = {"content-type": "application/xml"}
ACCESS, SECRET = "AKIAGENOPS", "wJalrXUtnFEMI/K7MDENG+bPxRfiCY"


def fault(status, code, message="as scripted", **headers):
    return status, {**XML, **headers}, f"<?xml version=\"1.0\"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>"


class FakeS3(AlertEndpoint):
    verbs = ("PUT",)  # what a destination has to do
    answered = ("etag", "x-amz-version-id", "content-type", "retry-after", "content-range")

    def __init__(self, bucket="company-genops-compliance-audit", lock=True, port=0):
        self.moto = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
        self.moto.start()
        _, self.moto_port = self.moto.get_host_and_port()
        self.keys = {ACCESS: (SECRET, None, None)}  # access key: secret, session token, when it expires
        self.role_seconds, self.n_roles = 3600, 0
        self.bucket = bucket
        self.client = boto3.client("s3", region_name="us-east-1", endpoint_url=f"http://127.0.0.1:{self.moto_port}",
                                   aws_access_key_id="x", aws_secret_access_key="y", config=Config(s3={"addressing_style": "path"}))
        reset = http.client.HTTPConnection("127.0.0.1", self.moto_port, timeout=10)
        reset.request("POST", "/moto-api/reset")  # what tests before left in this process
        reset.getresponse().read()
        self.make(bucket, lock)
        super().__init__(port)

    def make(self, bucket, lock=False):
        self.client.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=lock)

    # --- what AWS refuses ---

    def signed_by(self, request, service):
        """None, or the fault."""
        match = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/us-east-1/(\w+)/aws4_request, SignedHeaders=([\w;-]+), Signature=([0-9a-f]{64})",
                             request.headers.get("authorization", ""))
        if not match or match[3] != service:
            return fault(400, "AuthorizationHeaderMalformed", f"of {service}: {request.headers.get('authorization')}")
        if match[1] not in self.keys:
            return fault(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")
        secret, token, until = self.keys[match[1]]
        now = datetime.datetime.now(datetime.timezone.utc)
        date = request.headers["x-amz-date"]
        if abs(now - datetime.datetime.strptime(date + "+0000", "%Y%m%dT%H%M%SZ%z")) > datetime.timedelta(minutes=15):
            return fault(403, "RequestTimeTooSkewed")
        if request.headers.get("x-amz-security-token") != token:
            return fault(400, "InvalidToken")
        if until and now > until:
            return fault(400, "ExpiredToken", "The provided token has expired.")
        names = match[4].split(";")
        for name in request.headers:
            if name.lower() == "host" or name.lower().startswith("x-amz-"):
                assert name.lower() in names, f"{name} is not signed"
        aws = botocore.awsrequest.AWSRequest(method=request.method, url=f"http://{request.headers['host']}{request.path}", data=request.body,
                                             headers={name: request.headers[name] for name in names})
        aws.context["timestamp"] = date
        signer = (botocore.auth.S3SigV4Auth if service == "s3" else botocore.auth.SigV4Auth)(
            botocore.credentials.Credentials(match[1], secret, token), service, "us-east-1")
        canonical = "\n".join([request.method, urllib.parse.urlsplit(request.path).path, urllib.parse.urlsplit(request.path).query,
                               "".join(f"{name}:{' '.join(request.headers[name].split())}\n" for name in names), match[4],
                               request.headers.get("x-amz-content-sha256", hashlib.sha256(request.body).hexdigest())])
        if signer.signature(signer.string_to_sign(aws, canonical), aws) != match[5]:
            return fault(403, "SignatureDoesNotMatch")
        return None

    def refused(self, request):
        headers = request.headers
        if headers.get("x-amz-content-sha256") != hashlib.sha256(request.body).hexdigest():
            return fault(400, "XAmzContentSHA256Mismatch")
        for name, hashed in (("x-amz-checksum-sha256", hashlib.sha256), ("content-md5", hashlib.md5)):
            if headers.get(name) not in (None, base64.b64encode(hashed(request.body).digest()).decode()):
                return fault(400, "BadDigest")
        encryption = headers.get("x-amz-server-side-encryption")
        if encryption not in (None, "AES256", "aws:kms") or (encryption != "aws:kms" and headers.get("x-amz-server-side-encryption-aws-kms-key-id")):
            return fault(400, "InvalidArgument", "the encryption's headers contradict one another")
        if bool(headers.get("x-amz-object-lock-mode")) != bool(headers.get("x-amz-object-lock-retain-until-date")):
            return fault(400, "InvalidArgument", "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied")
        if "transfer-encoding" in headers or "content-length" not in headers:
            return fault(411, "MissingContentLength")
        if len(urllib.parse.unquote_to_bytes(request.path.split("/", 2)[2])) > 1024:
            return fault(400, "KeyTooLongError", "Your key is too long")
        return None

    # --- what it does ---

    def assume(self, request):
        form = dict(urllib.parse.parse_qsl(request.body.decode(), keep_blank_values=True))
        assert form["Version"] == "2011-06-15" and 900 <= int(form["DurationSeconds"]) <= 43200
        assert re.fullmatch(r"arn:aws:iam::\d{12}:role/[\w+=,.@-]+", form["RoleArn"]) and re.fullmatch(r"[\w+=,.@-]{2,64}", form["RoleSessionName"])
        if form["Action"] == "AssumeRole":
            refusal = self.signed_by(request, "sts")
            if refusal:
                return refusal
        elif form.get("WebIdentityToken") != getattr(self, "web_token", None):
            return fault(400, "InvalidIdentityToken", "no such token")
        self.n_roles += 1
        until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=self.role_seconds)
        key, secret, token = f"ASIA{self.n_roles:016}", f"secret/{self.n_roles}+&", f"token+/=={self.n_roles}&" + "t" * 600
        self.keys[key] = secret, token, until
        action = form["Action"]
        return 200, {"content-type": "text/xml"}, (
            f'<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result><AssumedRoleUser><Arn>a</Arn></AssumedRoleUser>'
            f"<Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{secret.replace('&', '&amp;')}</SecretAccessKey>"
            f"<SessionToken>{token.replace('&', '&amp;')}</SessionToken><Expiration>{until:%Y-%m-%dT%H:%M:%SZ}</Expiration></Credentials>"
            f"</{action}Result></{action}Response>")

    def answer(self, request):
        if request.method == "POST" and request.path == "/":
            return self.assume(request)
        if request.method not in self.verbs:
            return fault(405, "MethodNotAllowed")
        refusal = self.signed_by(request, "s3") or (self.refused(request) if request.method == "PUT" else None)
        if refusal:
            return refusal
        behind = http.client.HTTPConnection("127.0.0.1", self.moto_port, timeout=20)
        behind.request(request.method, request.path, request.body, {k: v for k, v in request.headers.items() if k.lower() != "expect"})
        response = behind.getresponse()
        headers = {k: v for k, v in response.getheaders() if k.lower() in self.answered}
        return response.status, headers, response.read()

    # --- what came of it ---

    def objects(self, bucket=None):
        listed = self.client.list_objects_v2(Bucket=bucket or self.bucket).get("Contents", [])
        return {entry["Key"]: self.client.get_object(Bucket=bucket or self.bucket, Key=entry["Key"]) for entry in listed}

    def versions(self, bucket=None):
        return self.client.list_object_versions(Bucket=bucket or self.bucket).get("Versions", [])

    def puts(self):
        with self.lock:
            return [request for request in self.requests if request.method == "PUT"]

    def close(self):
        super().close()
        self.moto.stop()


class ArchiveS3(FakeS3):
    """Also read, listed, removed, written in parts."""
    verbs = ("PUT", "GET", "POST", "DELETE")


def lines(body):
    return [json.loads(line) for line in body.decode().splitlines()]
