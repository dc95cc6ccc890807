# SPDX-License-Identifier: Apache-2.0
"""Expressions and events by chance, the same for the same seed: every construct of docs/reference/expressions.md, over values of every type."""
import random

TEXTS = ["", "a", "abc", "ABC def", "12.9", " 42 ", "0x1f", "-0", "1e3", "Infinity", "x", "true", "null", "blocked", "genops-budget", "a,b,,c", "ä ß Ü",
         "straße", "日本語", "😀 ok", "line\nbreak", 'quo"te', "back\\slash", "NaN", "0", "3.14abc", "\u00a0 7\ufeff", "Σας", "a.b*c", "$& $1", "jane.doe@corp.com"]
NUMBERS = [0, -0.0, 1, -1, 0.1, 0.5, 1.5, 2.5, -2.5, 0.125, 82.25, 1e21, 1e-7, 123456789.125, 5e-324, 1.7976931348623157e308, 9007199254740993, 255, 3600, 100, 1 / 3,
           1.005, 4294967296, -2147483649, 1e16, 0.000001, 16]
FIELDS = ["cost_total", "team", "name", "budget_limit", "flag", "nothing", "missing", "tags", "nested", "text", "_time", "__inputId", "n", "m"]
TEXT_METHODS = [("toUpperCase", 0, 0), ("toLowerCase", 0, 0), ("trim", 0, 0), ("trimStart", 0, 0), ("trimEnd", 0, 0), ("includes", "t", "i"),
                ("startsWith", "t", "i"), ("endsWith", "t", "i"), ("indexOf", "t", "i"), ("lastIndexOf", "t", "i"), ("slice", "i", "i"), ("substring", "i", "i"),
                ("substr", "i", "i"), ("charAt", "i", 0), ("charCodeAt", "i", 0), ("codePointAt", "i", 0), ("at", "i", 0), ("concat", "v", "v"), ("repeat", "r", 0),
                ("padStart", "r", "t"), ("padEnd", "r", "t"), ("split", "t", "r"), ("replace", "t", "t"), ("replaceAll", "t", "t"), ("toString", 0, 0)]
REGEXES = [r"/\b\d{3}-\d{2}-\d{4}\b/", r"/[A-Z0-9._%+-]+@[A-Z0-9.-]+\.[A-Z]{2,}/i", r"/\b[A-Z][a-z]+ [A-Z][a-z]+\b/g", "/a|b/g", "/^a.*c$/", "/(a)(x)?/", r"/\s+/g",
           r"/(?<first>\w)(?<second>\w)/", "/[^a-c]/gi", "/x*/g", r"/\d+(\.\d+)?/", "/^/m", "/$/gm", r"/[\s\S]/", "/./gs", r"/(\w)\1/", "/(?=b)/", "/a{2,}|c{1}/", "/[]/", "/[^]/"]
MATH = ["abs", "ceil", "floor", "trunc", "round", "sign", "sqrt", "fround"]


class Generator:
    def __init__(self, seed):
        self.chance = random.Random(seed)

    def one(self, choices):
        return self.chance.choice(choices)

    # --- events ---

    def value(self, depth=0):
        kind = self.chance.randrange(8 if depth < 2 else 6)
        if kind == 0:
            return None
        if kind == 1:
            return self.chance.random() < 0.5
        if kind in (2, 3):
            return self.number()
        if kind in (4, 5):
            return self.one(TEXTS)
        if kind == 6:
            return [self.value(depth + 1) for _ in range(self.chance.randrange(4))]
        return {self.one(["a", "b", "2", "10", "x.y", "length"]): self.value(depth + 1) for _ in range(self.chance.randrange(4))}

    def number(self):
        if self.chance.random() < 0.6:
            return self.one(NUMBERS)
        if self.chance.random() < 0.5:
            return self.chance.randrange(-1000, 100000) / self.one([1, 2, 4, 8, 10, 100, 1000])
        return self.chance.uniform(-1, 1) * 10 ** self.chance.randrange(-12, 25)

    def event(self):
        event = {field: self.value() for field in FIELDS if field != "missing" and self.chance.random() < 0.85}
        event["attributes"] = {key: self.value(1) for key in ("genops.cost.total", "genops.team", "genops.policy.result", "a")
                               if self.chance.random() < 0.7}
        return event

    # --- expressions ---

    def text_literal(self):
        text = self.one(TEXTS)
        quote = self.one("'\"")
        return quote + text.replace("\\", "\\\\").replace(quote, "\\" + quote).replace("\n", "\\n") + quote

    def number_literal(self):
        return self.one(["0", "1", "1.0", "10", "0.5", "2", "3", ".5", "5.", "1e3", "0x1F", "0b101", "0o17", "1_000", "100", "3600", "1e21", "1e-7", "0.1",
                         repr(abs(self.number()))]).replace("e+", "e")

    def field(self):
        kind = self.chance.randrange(6)
        if kind == 0:
            return "attributes['%s']" % self.one(["genops.cost.total", "genops.team", "genops.policy.result", "a", "none.such"])
        if kind == 1:
            return "__e['%s']" % self.one(FIELDS)
        if kind == 2:
            return "%s?.%s" % (self.one(FIELDS), self.one(["a", "b", "a?.b", "a.b", "[0]", "length", "['x.y']"]))
        if kind == 3:
            return "%s[%s]" % (self.one(["tags", "nested", "text", "name"]), self.one(["0", "1", "'length'", "'a'", "n", "-1", "'0'", "1.5", "'2'"]))
        return self.one(FIELDS)

    def atom(self):
        kind = self.chance.randrange(12)
        if kind < 3:
            return self.text_literal()
        if kind < 5:
            return self.number_literal()
        if kind == 5:
            return self.one(["true", "false", "null", "undefined", "NaN", "Infinity", "Math.PI", "Number.EPSILON"])
        return self.field()

    def argument(self, kind, depth):
        if kind == "t":
            return self.text_literal() if self.chance.random() < 0.8 else self.expression(depth)
        if kind == "i":
            return self.one(["0", "1", "2", "-1", "-3", "5", "100", "NaN", "1.9", "'2'", "undefined", "null"]) if self.chance.random() < 0.85 else self.expression(depth)
        if kind == "r":
            return self.one(["0", "1", "3", "7", "2.5", "'4'"])
        return self.expression(depth)

    def arguments(self, first, second, depth):
        kinds = [kind for kind in (first, second) if kind]
        if len(kinds) == 2 and second != "t" and self.chance.random() < 0.5:
            kinds.pop()
        return ", ".join(self.argument(kind, depth) for kind in kinds)

    def call(self, depth):
        kind = self.chance.randrange(13)
        inner = self.expression(depth - 1)
        if kind == 0:
            return f"parseFloat({inner})"
        if kind == 1:
            return f"parseInt({inner}" + self.one([")", ", 16)", ", 2)", ", 10)", ", 36)"])
        if kind == 2:
            return f"Math.{self.one(MATH)}({inner})"
        if kind == 3:
            return f"Math.{self.one(['max', 'min'])}({inner}, {self.expression(depth - 1)})"
        if kind == 4:
            return f"{self.one(['String', 'Number', 'Boolean', 'isNaN', 'isFinite', 'Number.isInteger', 'Number.isFinite', 'Array.isArray'])}({inner})"
        if kind == 5:
            return f"JSON.stringify({inner})"
        if kind == 6:
            return f"Number({inner}).{self.one(['toFixed(2)', 'toFixed(1)', 'toFixed(0)', 'toFixed(7)', 'toString(36)', 'toString(2)', 'toString(16)', 'toString()', 'toPrecision(4)', 'toPrecision(1)', 'toExponential(3)', 'toExponential()', 'toString(3)'])}"
        if kind in (7, 8, 9):
            name, first, second = self.one(TEXT_METHODS)
            receiver = f"String({inner})" if self.chance.random() < 0.85 else f"({inner})"
            return f"{receiver}.{name}({self.arguments(first, second, depth - 1)})"
        if kind == 10:
            regex, receiver = self.one(REGEXES), f"String({inner}).replaceAll('😀', ':)')"
            return self.one([f"{regex}.test({receiver})", f"{receiver}.match({regex})", f"{receiver}.replace({regex}, {self.one(['$1-$&', '[X]', '$$', '$<first>', '', '$2$9'])!r})",
                             f"{receiver}.search({regex})", f"{receiver}.split({regex})", f"{regex}.exec({receiver})"])
        if kind == 11:
            method = self.one(["includes({})", "indexOf({})", "join('-')", "slice(1)", "at(-1)", "concat({})", "lastIndexOf({})", "join()"])
            items = ", ".join(self.expression(depth - 2) for _ in range(self.chance.randrange(4)))
            return f"[{items}].{method.format(self.expression(depth - 2))}"
        return self.one([f"encodeURIComponent({inner})", f"(typeof {inner})", f"new Date({self.chance.randrange(-10**12, 10**13)}).toISOString()", "String.fromCharCode(65, 0xe4)",
                         f"Object.keys({self.one(['nested', 'attributes', '__e'])} || {inner})".replace(f" || {inner}", ""), f"({self.text_literal()} in {self.one(['attributes', '__e'])})"])

    def template(self, depth):
        parts = []
        for _ in range(self.chance.randrange(1, 4)):
            parts.append(self.one(["", "Budget: ", "$", "a\n b", "\\n", "%", '"']))
            parts.append("${" + self.expression(depth - 1) + "}")
        return "`" + "".join(parts) + "`"

    def expression(self, depth=3):
        if depth <= 0 or self.chance.random() < 0.12:
            return self.atom()
        kind = self.chance.randrange(20)
        left = self.expression(depth - 1)
        if kind < 5:
            operator = self.one(["==", "!=", "===", "!==", "<", "<=", ">", ">="])
            return f"({left}) {operator} ({self.expression(depth - 1)})"
        if kind < 8:
            operator = self.one(["+", "+", "-", "*", "/", "%"])
            return f"({left}) {operator} ({self.expression(depth - 1)})"
        if kind == 8:
            operator = self.one(["&", "|", "^", "<<", ">>", ">>>"])
            return f"({left}) {operator} ({self.expression(depth - 1)})"
        if kind < 12:
            operator = self.one(["&&", "||", "||", "??"])
            return f"({left}) {operator} ({self.expression(depth - 1)})"
        if kind == 12:
            return f"{self.one(['!', '-', '+', '~', 'typeof ', '!!', 'void '])}({left})"
        if kind < 15:
            return f"({left} ? {self.expression(depth - 1)} : {self.expression(depth - 1)})"
        if kind == 15:
            return self.template(depth)
        return self.call(depth)

    def unspaced(self):
        """Without parentheses, so that precedence counts."""
        operators = ["==", "!=", "<", ">=", "+", "-", "*", "/", "%", "&&", "||", "&", "|", "^", "<<", "===", "**"]
        return "".join(self.one(["", "!", "-", "typeof "]) * (operator != " ** ") + self.atom() + operator
                       for operator in (f" {self.one(operators[:-1])} " for _ in range(self.chance.randrange(1, 6)))) + self.atom()
