// SPDX-License-Identifier: Apache-2.0
// ns an evaluation, in Node, of the expressions of bench_expression.c over its event: best of many rounds, wall clock. "fields": the
// event's fields are local names, known when the function is made; "with": looked up by name, as an event of any shape wants it.
//   node bench/expression_node.js
'use strict';
const text = require('fs').readFileSync(require('path').join(__dirname, 'bench_expression.c'), 'utf8');
const sources = text.match(/sources\[\] = \{([^]*?)\n\};/)[1].split('\n').filter(Boolean).map(line => JSON.parse(line.trim().replace(/,$/, '')));
const event = {__inputId: 'genops_otlp_source', name: 'chat gpt-4o', cost_total: 1.25, tokens_total: 1500, policy_result: 'allowed',
  policy_reason: 'asked for 123-45-6789', customer_id: 'acme', budget_tier: 'enterprise', budget_name: 'search-daily', actual_utilization: 82.25,
  attributes: {'genops.cost.total': '0.0532', 'genops.team': 'search'}};
for (let i = 2; i < 20; i++) event.attributes[`gen_ai.request.field_${i}`] = 'value';

let sink;
function best(evaluate, each) {
  let least = Infinity;
  for (let round = 0; round < 40; round++) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < each; i++) sink = evaluate(event);
    least = Math.min(least, Number(process.hrtime.bigint() - start) / each);
  }
  return least.toFixed(1).padStart(7) + ' ns';
}

console.log('    fields       with  expression');
for (const source of sources) {
  const fields = new Function('__e', `const {${Object.keys(event).join(', ')}} = __e; return (${source})`);
  const names = new Function('__e', `with (__e) { return (${source}) }`);
  console.log(best(fields, 100000), best(names, 20000), ' ' + source);
}
