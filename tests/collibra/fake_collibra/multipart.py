# SPDX-License-Identifier: Apache-2.0
"""multipart/form-data (RFC 7578), read strictly: what ends early or has no boundary is refused."""
import re

from .refusal import invalid


def parts(content_type, body):
    """name -> (file name or None, bytes) of a form; the last of one name counts."""
    match = re.search(r'boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))', content_type or "")
    if not match:
        raise invalid("The form has no boundary")
    line = b"--" + (match.group(1) or match.group(2)).encode()
    pieces = (b"\r\n" + body).split(b"\r\n" + line)
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise invalid("The form ends early")
    found = {}
    for piece in pieces[1:-1]:
        head, separator, content = piece.partition(b"\r\n\r\n")
        disposition = re.search(rb"content-disposition:\s*form-data;([^\r\n]*)", head, re.I)
        name = disposition and re.search(rb'(?:^|[;\s])name="([^"]*)"', disposition.group(1))
        if not separator or not name:
            raise invalid("A part of the form has no name")
        file = re.search(rb'filename="([^"]*)"', disposition.group(1))
        found[name.group(1).decode(errors="replace")] = (file.group(1).decode(errors="replace") if file else None, content)
    return found
