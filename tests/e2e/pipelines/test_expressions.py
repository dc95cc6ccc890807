# SPDX-License-Identifier: Apache-2.0
"""Expressions of pipelines: `genops pipeline eval` says what Node says, of every expression of the guide, of the examples of the
reference page, and of thousands by chance; as JSON text, with undefined, NaN, infinities and -0 told apart.

Proves: CRB-039 in part, CRB-194..207, CRB-209 in part, CRB-214 in part, CRB-215 in part; DESIGN 5 "pipeline eval"; A-075, A-076, A-077 as
DESIGN 6 decides: literally.
"""
import json
import pathlib
import re
import subprocess

import pytest

import gateway as gateways
from expressions.generate import NUMBERS, Generator
from expressions.guide_values import ATTRIBUTES, VALUES
from expressions.node import NOW, SEED, ask_node, needs_node

HERE = pathlib.Path(__file__).resolve().parents[1]
def ask(questions):
    """One answer, a dict, for each (expression, event)."""
    lines = "".join(json.dumps({"expression": expression, "event": event}) + "\n" for expression, event in questions)
    done = subprocess.run([gateways.GENOPS, "pipeline", "eval", "--now", str(NOW), "--seed", str(SEED)], input=lines, capture_output=True, text=True,
                          timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split("\n")[:-1]  # not splitlines: U+2028 is in texts


def agree(questions, most_errors):
    """Both say the same of all. What Node throws is an error here, too; their words differ. Returns how many were errors."""
    ours, nodes = ask(questions), ask_node(questions)
    assert len(ours) == len(nodes) == len(questions)
    errors, differences = 0, []
    for question, our, node in zip(questions, ours, nodes):
        if node.startswith('{"error"') and our.startswith('{"error"'):
            errors += 1
        elif our != node:
            differences.append((*question, our, node))
    assert not differences, f"{len(differences)} of {len(questions)}, the first: {differences[:3]}"
    assert errors <= most_errors * len(questions)


# --- the guide ---

GUIDE = [row["expression"] for row in json.loads((HERE / "expressions/guide.json").read_text())]
def guide_event(chance):
    def some(values):
        return {key: chance.choice(choices) for key, choices in values.items() if chance.random() < 0.8}
    return {**some(VALUES), "attributes": some(ATTRIBUTES)}


@needs_node
def test_every_expression_of_the_guide():
    chance = Generator(1).chance
    assert len(GUIDE) > 100
    agree([(expression, guide_event(chance)) for expression in GUIDE for _ in range(40)], most_errors=0.1)


def test_the_guide_runs_literally():
    """What a reader would not expect, and JavaScript says."""
    rows = [
        ("audit_trail_required == 'true'", {"audit_trail_required": True}, False),
        ("true", {}, True), ("1.0", {}, 1),
        ("parseFloat(attributes['genops.budget.remaining'] || '0')", {"attributes": {}}, 0),
        ("budget_remaining <= 0 || actual_utilization >= 100", {"budget_remaining": 0, "actual_utilization": 12}, True),
        ("attributes['genops.cost.total'] != null", {"attributes": {}}, False),
        ("attributes['a.b']", {"attributes": {"a": {"b": 1}, "a.b": 2}}, 2),
        ("Math.floor(Date.now() / 1000)", {}, NOW // 1000),
    ]
    for (expression, event, value), answer in zip(rows, ask([row[:2] for row in rows])):
        assert json.loads(answer) == {"value": value}, expression


# --- by chance ---

@needs_node
@pytest.mark.parametrize("seed", range(4))
def test_expressions_by_chance(seed):
    generator = Generator(seed)
    agree([(generator.unspaced() if i % 5 == 0 else generator.expression(1 + i % 4), generator.event()) for i in range(4000)], most_errors=0.2)


@needs_node
def test_numbers_by_chance():
    generator = Generator(7)
    forms = ["String(x)", "x.toFixed(0)", "x.toFixed(1)", "x.toFixed(2)", "x.toFixed(20)", "x.toString(36)", "x.toString(2)", "x.toString(7)", "x.toPrecision(3)",
             "x.toExponential(2)", "parseInt(x)", "Math.round(x)", "x | 0", "x >>> 0", "Number(String(x)) === x", "x % 7", "Math.fround(x)"]
    powers = [2.0 ** i for i in range(-1074, 1024, 7)]
    quarters = [i / 8 for i in range(-40, 40)]
    numbers = NUMBERS + powers + quarters + [generator.number() for _ in range(600)] + [generator.chance.uniform(0, 1) * 2 ** generator.chance.randrange(50, 70) for _ in range(100)]
    agree([(form, {"x": number}) for number in numbers for form in forms], most_errors=0)


@needs_node
def test_letters_of_all_of_unicode():
    """Every character that has another case, alone and in a text."""
    codes = [code for code in range(0x80, 0x1F000) if not 0xD800 <= code <= 0xDFFF and (chr(code).upper() != chr(code) or chr(code).lower() != chr(code))]
    texts = ["x" + "".join(map(chr, codes[i:i + 50])) for i in range(0, len(codes), 50)] + ["ΑΣ", "Σ", "ΑΣ.", "ΑΣ.Β", "'Σ", "Σ Σ", "ΑΣΣ"]
    agree([(f"t.{method}()", {"t": text}) for text in texts for method in ("toUpperCase", "toLowerCase")], most_errors=0)


@needs_node
def test_patterns():
    """The guide's patterns and others, over texts that they nearly match."""
    patterns = [r"\b\d{3}-\d{2}-\d{4}\b", r"\b[A-Z0-9._%+-]+@[A-Z0-9.-]+\.[A-Z]{2,}\b", r"\b[A-Z][a-z]+ [A-Z][a-z]+\b", r"\b[A-Z]{2}\d{6,}\b", r"\b\d{3}-\d{3}-\d{4}\b",
                r".*secret.*", r"^gpt-(4|3\.5)", r"a|ab|abc", r"(a+)(b+)?", r"\s*\S+\s*$", r"[^\s,]+", r"(?:x|y){2,3}?", r"\.", r"[\w-]+", r"é+", r"(?<!\d)\d{2}(?!\d)"]
    chance = Generator(3).chance
    pieces = ["123-45-6789", "JANE@CORP.COM", "jane@corp.com", "Jane Doe", "Content Filter", "AB123456", "AB12345", "555-123-4567", "secret", "gpt-4", "gpt-3.5", " ", "\n", ",", ".", "abc",
              "aab", "xyx", "é", "É", "-", "12", "_", "ß", "\u2028", "\u00a0"]
    texts = ["".join(chance.choice(pieces) for _ in range(chance.randrange(1, 6))) for _ in range(40)]
    forms = ["/{}/.test(t)", "t.match(/{}/)", "t.match(/{}/gi)", "t.replace(/{}/g, '[X$&$1]')", "t.split(/{}/)", "t.search(/{}/im)", "/{}/s.exec(t)"]
    agree([(form.format(pattern), {"t": text}) for pattern in patterns for text in texts for form in forms], most_errors=0)


@needs_node
def test_chance_and_time():
    questions = [("Math.random()", {}), ("`${team}-${environment}-${Date.now()}-${Math.random().toString(36).substr(2, 9)}`", {"team": "a", "environment": "b"})] * 20
    agree(questions, most_errors=0)


@needs_node
def test_dates():
    texts = ["2024-01-31", "2024-02-29T12:00:00Z", "2024-02-29T12:00Z", "2024-02-29T12:00:00.5+01:30", "1969-12-31T23:59:59.999Z", "2024", "2024-06", "0001-01-01", "+012024-01-01T00:00:00Z",
             "2024-01-01T24:00:00Z", "2024-01-01T12:00:00.123456789Z", "-000001-01-01T00:00:00Z"]
    times = [0, -1, 1e12, 951782400000, -62198755200000, 8.64e15, 8.64e15 + 1, 1.9, 253402300800000]
    methods = ["toISOString", "getTime", "getUTCFullYear", "getUTCMonth", "getUTCDate", "getUTCDay", "getUTCHours", "getUTCMinutes", "getUTCSeconds", "getUTCMilliseconds", "toJSON"]
    agree([(f"new Date(x).{method}()", {"x": x}) for x in texts + times for method in methods] +
          [(f"Date.UTC({arguments})", {}) for arguments in ("2024", "2024, 1", "99, 12, 31", "2024, -1, 0, 25", "2024, 5, 6, 7, 8, 9, 10", "NaN")], most_errors=0.02)


# --- the reference page, the command ---

def rows_of(page):
    for line in page.split("## Syntax")[1].split("##")[0].splitlines():
        if match := re.match(r"\| .* \| `` (.*) `` \| `(.*)` \|$", line):
            yield match[1].replace(r"\|", "|"), match[2]


def test_examples_of_the_reference_page():
    rows = list(rows_of((HERE.parents[1] / "docs/reference/expressions.md").read_text()))
    assert len(rows) > 15
    for (expression, value), answer in zip(rows, ask([(expression, {}) for expression, _ in rows])):
        answer = json.loads(answer)
        assert answer == ({"value": None, "exact": "undefined"} if value == "undefined" else {"value": json.loads(value)}), expression


def pipeline(*arguments, text=""):
    return subprocess.run([gateways.GENOPS, "pipeline", *arguments], input=text, capture_output=True, text=True, timeout=60)


def test_one_expression(tmp_path):
    (tmp_path / "event.json").write_text('{"cost_total": 2, "attributes": {"genops.team": "search"}}')
    done = pipeline("eval", "cost_total > 1 && attributes['genops.team']", "--event", tmp_path / "event.json")
    assert (done.returncode, done.stdout, done.stderr) == (0, '"search"\n', "")
    assert pipeline("eval", "cost_total", "--event", "-", text='{"cost_total": 3}').stdout == "3\n"
    assert pipeline("eval", "nothing_there").stdout == "undefined\n"
    assert pipeline("eval", "', \"exact\":\"x\"'").stdout == '", \\"exact\\":\\"x\\""\n'
    assert pipeline("eval", "0 / 0", "--json").stdout == '{"value":null,"exact":"NaN"}\n'
    done = pipeline("eval", "cost_total >\n  missing.toFixed(2)")
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.splitlines()[0].startswith("genops: expression:2:11: undefined")
    assert done.stderr.splitlines()[1:] == ["  missing.toFixed(2)", "          ^"]


@pytest.mark.parametrize("arguments, says", [
    (["try"], "not \"try\""), (["eval", "--event", "x.json"], "--event goes with"), (["eval", "1", "--event", "/no/such"], "/no/such"), (["eval", "1", "--now", "soon"], "--now"),
    (["eval", "1", "--seed", "1"], "--now"), (["eval", "a = 1"], "write =="), (["eval", "x.toUppercase()"], "write toUpperCase")])
def test_wrong_use(arguments, says):
    done = pipeline(*arguments)
    assert done.returncode == 2 and says in done.stderr


def test_lines():
    done = pipeline("eval", text='{"expression": "a + 1", "event": {"a": 1}}\n\n{"expression": "a +", "event": {}}\nnonsense\n{"expression": "1", "event": []}\n'
                                 '{"event": {}}\n{"expression": "\'\\ud83d\\ude00\'[0]", "event": {}}')
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0 and done.stderr == ""
    assert answers[0] == {"value": 2} and answers[5] == {"value": "\ud83d"}
    assert [list(answer) for answer in answers[1:5]] == [["error"]] * 4
    assert answers[1]["error"].startswith("1:4: ")


def test_answers_come_as_questions_do():
    process = subprocess.Popen([gateways.GENOPS, "pipeline", "eval"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    for n in range(3):
        process.stdin.write(json.dumps({"expression": "n * 2", "event": {"n": n}}) + "\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline()) == {"value": n * 2}
    process.stdin.close()
    assert process.wait(10) == 0
    process.stdout.close()
