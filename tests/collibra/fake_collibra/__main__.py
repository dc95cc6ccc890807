# SPDX-License-Identifier: Apache-2.0
"""python -m fake_collibra [--port N] [--types none] [--domain NAME] [--tls] [SWITCH=VALUE ...]: the fake as a process of its own. Prints one
line of JSON with its address and logins, and serves until its standard input ends or it is told to stop."""
import argparse
import json
import sys

from .fake import DOMAIN, FakeCollibra


def main():
    parser = argparse.ArgumentParser(prog="fake_collibra", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--types", choices=("all", "none"), default="all")
    parser.add_argument("--domain", default=DOMAIN, help="name of the domain that is there; empty for none")
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("switches", nargs="*", metavar="SWITCH=VALUE")
    options = parser.parse_args()
    switches = {}
    for text in options.switches:
        name, _, value = text.partition("=")
        try:
            value = json.loads(value)
        except ValueError:
            pass
        switches[name] = tuple(value) if isinstance(value, list) else value
    with FakeCollibra(options.types, options.domain, options.tls, options.port, **switches) as collibra:
        print(json.dumps({"url": collibra.url, "username": collibra.username, "password": collibra.password, "client_id": collibra.client_id,
                          "client_secret": collibra.client_secret, "domain_id": collibra.domain_id,
                          "ca_file": str(collibra.ca_file) if collibra.ca_file else None}), flush=True)
        try:
            sys.stdin.read()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
