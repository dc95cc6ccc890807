# SPDX-License-Identifier: Apache-2.0
"""Behaviour that only a live instance could settle: each row is a switch with its default, its values, how sure the default is
(V seen live or specified, I inferred, ? nobody says) and what it decides. README.md lists them; test_readme.py compares."""
ANY = object()
NUMBER = (int, float)

ROWS = (
    # name, default, allowed values or types, how sure, what
    ("bad_login", "401", ("401", "redirect"), "V", "a wrong password: 401, or 302 to /signin as under single sign-on"),
    ("anonymous_user", "401", ("401", "guest"), "?", "/users/current without credentials: 401, or the guest"),
    ("oauth", "on", ("on", "404"), "?", "/rest/oauth/v2/token is there (older instances have none)"),
    ("token_life", 3600, NUMBER, "V", "seconds that an access token lives"),
    ("token_requests", None, (int, type(None)), "?", "requests after which an access token is expired, whatever its age"),
    ("limit_over_maximum", "refuse", ("refuse", "clamp"), "V", "limit above 1000: 400, or 1000"),
    ("page_maximum", 1000, int, "?", "most results in a page, whatever limit asks for"),
    ("cursor_end", "absent", ("absent", "empty_page"), "V", "the last full page has no nextCursor, or one that leads to an empty page"),
    ("unknown_id", "404", ("404", "400"), "I", "an unknown typeId, domainId, statusId or assetId in a body"),
    ("unknown_filter_id", "empty", ("empty", "404"), "?", "an unknown id in a list's filter"),
    ("type_not_in_domain", "403", ("403", "400"), "I", "an asset type that is not assigned to the domain's type"),
    ("unknown_members", "ignore", ("ignore", "refuse"), "?", "members of a body that the contract does not name: ignored, or 400"),
    ("bulk", "atomic", ("atomic", "partial"), "I", "one bad item: nothing stored, or what stands before it stored"),
    ("bulk_order", "input", ("input", "shuffled"), "V", "order of a bulk answer"),
    ("body_maximum", 10 << 20, int, "?", "bytes of a body; 413 above"),
    ("wrong_value", "refuse", ("refuse", "store"), "I", "an attribute value of another kind, or not among the allowed ones"),
    ("attribute_maximum", "refuse", ("refuse", "append"), "?", "more values than the assignment's max, over the Core API"),
    ("unassigned_attribute", "allow", ("allow", "refuse"), "?", "an attribute type that the asset type's assignment does not have"),
    ("attribute_touches_asset", False, bool, "V", "a changed attribute changes its asset's lastModifiedOn"),
    ("multi_values", "array", ("array", "records"), "?", "a multi-value list is read as one array, or as a record a value"),
    ("rich_text_html", False, bool, "I", "rich text is read back as HTML"),
    ("public_ids", "on", ("on", "off"), "V", "public ids are there (off: an instance of before 2024)"),
    ("type_assignment", "own", ("own", "none"), "V", "a new asset type has an assignment of its own, a copy of its parent's, which only PATCH changes; or none, and POST makes it"),
    ("assignment_default_status", "first", ("first", "required"), "V", "an assignment without defaultStatusId: its first status, or 400"),
    ("characteristic_type", "any", ("any", "AttributeType", "kind"), "?", "characteristicTypes[].type: AttributeType, StringAttributeType..., or both"),
    ("gzip", "asked", ("asked", "never"), "I", "answers are compressed for a client that accepts it"),
    ("import_api", "on", ("on", "403", "404"), "?", "the Import API may be used"),
    ("import_continue_default", False, bool, "V", "continueOnError where a request has none (true from 2026.07)"),
    ("import_polls", ("RUNNING",), (tuple, list), "V", "what GET /jobs/{id} says before the end, one a poll: 404, 500, WAITING, RUNNING"),
    ("import_seconds", 0, NUMBER, "I", "seconds until a job has stored its file"),
    ("import_end", "normal", ("normal", "never", "CANCELED", "ERROR"), "V", "how jobs end; never: they run on and store nothing"),
    ("import_date", "any", ("any", "millis", "iso"), "?", "text form of a DATE value in a file"),
    ("import_failures_maximum", 100, int, "V", "failed commands above which a job is ABORTED"),
    ("graphql", "on", ("on", "404", "403"), "V", "the knowledge graph answers"),
    ("graphql_broken", None, (None, "stringAttributes", "numericAttributes", "booleanAttributes", "multiValueAttributes", "dateAttributes"), "I",
     "a list that fails for the asset with the last id: partial data beside errors"),
    ("graphql_separator", ",", (",", ", "), "?", "what stands between the values of a multi-value list"),
    ("graphql_nodes_maximum", 100_000, int, "V", "node budget of a query"),
)


class Switches:
    def __init__(self, **values):
        object.__setattr__(self, "_rows", {row[0]: row for row in ROWS})
        for name, default, *_ in ROWS:
            object.__setattr__(self, name, default)
        self.set(**values)

    def __setattr__(self, name, value):
        self.set(**{name: value})

    def set(self, **values):
        for name, value in values.items():
            if name not in self._rows:
                raise ValueError(f"there is no switch {name}")
            allowed = self._rows[name][2]
            is_type = isinstance(allowed, type) or isinstance(allowed[0], type)
            if not (isinstance(value, allowed) if is_type else value in allowed):
                raise ValueError(f"the switch {name} has no value {value!r}")
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def as_dict(self):
        return {name: getattr(self, name) for name in self._rows}
