# SPDX-License-Identifier: Apache-2.0
"""Who asks: Basic, bearer tokens (issued by a test, or by the OAuth endpoint), sessions with a cookie and a CSRF token."""
import base64
import binascii
import secrets
import urllib.parse
from dataclasses import dataclass, field

from .catalogue import resource
from .refusal import Refusal, forbidden
from .routes import serves

# Collibra's own names (the enum of Role.permissions in its OpenAPI).
RESOURCE_PERMISSIONS = ("ASSET_ADD", "ASSET_CHANGE", "ASSET_REMOVE", "ASSET_TAG_CHANGE", "ASSET_ATTRIBUTE_ADD", "ASSET_ATTRIBUTE_CHANGE",
                        "ASSET_ATTRIBUTE_REMOVE", "COMMUNITY_ADD", "DOMAIN_ADD")
GLOBAL_PERMISSIONS = ("SYSTEM_ADMINISTRATION", "POLICY_MANAGER", "CATALOG", "DATA_HELPDESK")
ALL_PERMISSIONS = RESOURCE_PERMISSIONS + GLOBAL_PERMISSIONS


@dataclass
class User:
    id: str
    name: str
    password: str
    permissions: frozenset
    is_guest: bool = False
    session: tuple = None  # (JSESSIONID, csrf token) of the only session that lives


@dataclass
class Token:
    user: User
    expires: float
    requests_left: int = None


@dataclass
class Logins:
    """Users, OAuth clients and tokens. The catalogue's lock guards it."""
    fake: object
    users: dict = field(default_factory=dict)
    clients: dict = field(default_factory=dict)  # client id -> (secret, user)
    tokens: dict = field(default_factory=dict)

    def add_user(self, name, password, permissions, **more):
        self.users[name] = User(id=f"00000000-0000-4000-8000-{len(self.users) + 1:012x}", name=name, password=password,
                                permissions=frozenset(permissions), **more)
        return self.users[name]

    def issue(self, user, life=None, requests=None):
        switches = self.fake.switches
        life = switches.token_life if life is None else life
        token = secrets.token_urlsafe(32)
        self.tokens[token] = Token(user, self.fake.catalogue.seconds() + life, switches.token_requests if requests is None else requests)
        return token, life

    def identify(self, headers, method):
        """The user of a request, None without credentials; a Refusal for wrong ones."""
        scheme, _, rest = (headers.get("Authorization") or "").partition(" ")
        if scheme.lower() == "basic":
            return self._by_password(rest)
        if scheme.lower() == "bearer":
            return self._by_token(rest.strip())
        if scheme:
            raise Refusal(401, "Unknown authentication scheme")
        return self._by_session(headers, method)

    def _by_password(self, encoded):
        try:
            name, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise Refusal(401, "Bad credentials") from None
        user = self.users.get(name)
        if user is None or user.is_guest or not secrets.compare_digest(user.password.encode(), password.encode()):
            raise Refusal(401, "Bad credentials")
        return user

    def _by_token(self, text):
        token = self.tokens.get(text)
        if token is None:
            raise Refusal(401, "Bad token")
        if token.requests_left is not None:
            token.requests_left -= 1
        if token.expires <= self.fake.catalogue.seconds() or token.requests_left is not None and token.requests_left < 0:
            raise Refusal(401, "The token has expired", "expiredToken")
        return token.user

    def _by_session(self, headers, method):
        cookies = dict(part.strip().split("=", 1) for part in (headers.get("Cookie") or "").split(";") if "=" in part)
        if "JSESSIONID" not in cookies:
            return None
        for user in self.users.values():
            if user.session and user.session[0] == cookies["JSESSIONID"]:
                if method != "GET" and headers.get("X-CSRF-TOKEN") != user.session[1]:
                    raise forbidden("Wrong CSRF token")
                return user
        raise Refusal(401, "The session has ended")


def _oauth_error(status, error, description):
    return status, {"error": error, "error_description": description}


def token_answer(fake, headers, body):
    """POST /rest/oauth/v2/token: (status, body), errors as RFC 6749 has them."""
    if (headers.get("Content-Type") or "").split(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        return _oauth_error(400, "invalid_request", "The body must be a form")
    try:
        form = dict(urllib.parse.parse_qsl(body.decode(), strict_parsing=True))
    except ValueError:
        return _oauth_error(400, "invalid_request", "The form cannot be read")
    scheme, _, rest = (headers.get("Authorization") or "").partition(" ")
    id, secret = form.get("client_id", ""), form.get("client_secret", "")
    if scheme.lower() == "basic":
        try:
            id, _, secret = base64.b64decode(rest, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return _oauth_error(401, "invalid_client", "Client authentication failed")
        if ":" in secret:  # an id that was not url-encoded first ends at its own colon
            return _oauth_error(401, "invalid_client", "Client authentication failed")
        id, secret = urllib.parse.unquote_plus(id), urllib.parse.unquote_plus(secret)
    known = fake.logins.clients.get(id)
    if known is None or not secrets.compare_digest(known[0].encode(), secret.encode()):
        return _oauth_error(401, "invalid_client", "Client authentication failed")
    if form.get("grant_type") != "client_credentials":
        return _oauth_error(400, "unsupported_grant_type", "Only client_credentials")
    if form.get("scope"):
        return _oauth_error(400, "invalid_scope", f"The scope {form['scope']} is not allowed")
    token, life = fake.logins.issue(known[1])
    return 200, {"access_token": token, "token_type": "Bearer", "expires_in": int(life)}


# Sessions

@serves("POST /auth/sessions")
def log_in(request):
    name, password = request.body.get("username"), request.body.get("password")
    user = request.fake.logins.users.get(name)
    if user is None or user.is_guest or password != user.password:
        raise Refusal(401, "Bad credentials")
    user.session = (secrets.token_hex(16), secrets.token_hex(16))  # a session that the user had elsewhere has ended
    request.answer_headers["Set-Cookie"] = f"JSESSIONID={user.session[0]}; Path=/; HttpOnly"
    return 200, {"csrfToken": user.session[1], "user": user_answer(request, user)}


@serves("GET /auth/sessions/current")
def current_session(request):
    if request.user.session is None:
        raise Refusal(401, "There is no session")
    return 200, {"csrfToken": request.user.session[1], "user": user_answer(request, request.user)}


@serves("GET /auth/sessions/heartbeat")
def heartbeat(request):
    if request.user.session is None:
        raise Refusal(401, "There is no session")
    return 200, {}


@serves("DELETE /auth/sessions/current")
def log_out(request):
    request.user.session = None
    return 204, None


# Users and the instance

def user_answer(request, user):
    row = {"id": user.id, "createdBy": user.id, "createdOn": 0, "lastModifiedBy": user.id, "lastModifiedOn": 0, "system": False}
    return resource(row, "User", userName=user.name, firstName=user.name, lastName="", emailAddress=f"{user.name}@example.com", activated=True,
                    enabled=True, guestUser=user.is_guest, licenseType="AUTHOR")


@serves("GET /users/current")
def current_user(request):
    return 200, user_answer(request, request.user)


@serves("GET /users/current/permissions", "GET /users/current/globalPermissions")
def permissions(request):
    return 200, {"globalPermissions": sorted(set(request.user.permissions) & set(GLOBAL_PERMISSIONS))}


@serves("GET /application/info")
def application_info(request):
    version = {"major": 2026, "minor": 8, "fullVersion": "2026.08.0", "displayVersion": "2026.08"}
    return 200, {"baseUrl": request.fake.url, "version": version, "buildNumber": "fake", "solutions": []}
