# SPDX-License-Identifier: Apache-2.0
"""A certificate authority of our own, for servers and clients of the tests. By openssl."""
import subprocess


class Authority:
    """A certificate authority of our own, in a folder."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.certificate, self.key = folder / f"{name}.pem", folder / f"{name}.key"
        self._openssl("req", "-x509", *self.NEW_KEY, "-days", "2", "-subj", f"/CN={name}", "-out", self.certificate, "-keyout", self.key)

    NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")

    def _openssl(self, *arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)

    def sign(self, name, alternative):
        """(certificate, key) of a new one."""
        request, key, certificate = (self.folder / f"{name}.{kind}" for kind in ("csr", "key", "pem"))
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName={alternative}\n")
        self._openssl("req", *self.NEW_KEY, "-subj", f"/CN={name}", "-out", request, "-keyout", key)
        self._openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial", "-days", "2",
                      "-extfile", extensions, "-out", certificate)
        return certificate, key
