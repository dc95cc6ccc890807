# SPDX-License-Identifier: Apache-2.0
"""An answer that is an error, as a value with Collibra's error body. Codes that no source publishes are marked: a client that
decides by them decides by something invented here."""

TITLES = {400: "Invalid request", 401: "Authentication failed", 402: "Licence", 403: "Authorization failed", 404: "Not found",
          413: "Payload too large", 415: "Unsupported media type", 429: "Too many requests", 500: "Unexpected error", 501: "Not covered"}
CODES = {400: "invalidRequest", 401: "authenticationFailed", 403: "authorizationFailed", 404: "notFound", 500: "unexpectedError"}


class Refusal(Exception):
    def __init__(self, status, message, code=None, **properties):
        super().__init__(message)
        self.status, self.message, self.code, self.properties = status, message, code or CODES.get(status, "unpublished"), properties

    def body(self):
        body = {"statusCode": self.status, "titleMessage": TITLES.get(self.status, "Error"), "helpMessage": "", "userMessage": self.message,
                "errorCode": self.code}
        if self.properties:
            body["properties"] = self.properties
        return body


def invalid(message, code=None, **properties):
    return Refusal(400, message, code, **properties)


def duplicate(message):
    """The real code of a duplicate is not published; this one is invented."""
    return Refusal(400, message, "inventedDuplicate")


def missing(noun, id, code=None):
    return Refusal(404, f"The {noun} with id {id} was not found.", code, id=id)


def forbidden(message):
    return Refusal(403, message)
