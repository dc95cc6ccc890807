// SPDX-License-Identifier: Apache-2.0
// What Node makes of an event in a pipeline: a line {"document", "lookups": {id: {"csv", "keys", "case"}}, "event", "now", "kept", "env"} in, a
// line {"result", "matched": {sampling: rule}, "routes": [{"route", "payload"}], "after"} out. The document is the YAML as an object. Of a
// sampling rule between 0 and 1 "kept" is believed: which traces a hash keeps is nothing that JavaScript knows.
'use strict';
const own = new Set(['Math', 'Date', 'JSON', 'Number', 'String', 'Boolean', 'Object', 'Array', 'parseInt', 'parseFloat', 'isNaN', 'isFinite',
  'encodeURIComponent', 'decodeURIComponent', 'NaN', 'Infinity', 'undefined']);

function scopeOf(event, more) {
  return new Proxy(event, {
    has: (_, name) => typeof name === 'string' && (!own.has(name) || (more && name in more)),
    get: (fields, name) => name === Symbol.unscopables ? undefined : name === '__e' ? event : more && name in more ? more[name]
      : Object.hasOwn(fields, name) ? fields[name] : undefined,
  });
}

const compiled = new Map();
function evaluate(source, event, more) {
  if (!compiled.has(source)) compiled.set(source, new Function('scope', `with (scope) { return (${source}\n) }`));
  return compiled.get(source)(scopeOf(event, more));
}

function says(source, event) {
  if (source === undefined) return true;
  try {
    return Boolean(evaluate(String(source), event));
  } catch {
    return false;
  }
}

// --- functions ---

function evalFields(processor, event) {
  for (const pair of processor.expressions)
    for (const [name, source] of Object.entries(pair)) {
      try {
        event[name] = evaluate(String(source), event);
      } catch { /* as it was */ }
    }
}

function lookup(processor, event, lookups) {
  const table = lookups[processor.lookup_table], [head, ...rows] = table.csv.trim().split('\n').map(line => line.split(','));
  const fields = [processor.match_field].flat(), columns = table.keys ?? (fields.every(f => head.includes(f)) ? fields : head.slice(0, fields.length));
  const fold = value => table.case ? String(value) : String(value).toLowerCase();
  let found;
  if (fields.every(f => event[f] !== undefined && event[f] !== null && typeof event[f] !== 'object'))
    for (const row of rows) if (columns.every((c, i) => fold(row[head.indexOf(c)]) === fold(event[fields[i]]))) found = row;
  if (found) for (const column of processor.add_fields) event[column] = found[head.indexOf(column)];
  else Object.assign(event, processor.default_values ?? {});
}

function sampling(processor, event, kept, matched) {
  let rate = 1, name = 'none';
  const rules = processor.rules.filter(rule => !('default' in rule)), otherwise = processor.rules.find(rule => 'default' in rule);
  const i = rules.findIndex(rule => says(rule.condition, event));
  if (i >= 0) [rate, name] = [rules[i].sample_rate, `rule ${i + 1}`];
  else [rate, name] = [otherwise ? otherwise.default : 1, 'default'];
  matched[processor.name] = name;
  if (rate >= 1) return true;
  if (rate <= 0 || !kept) return false;
  event['sampling.rate'] = Math.min(rate, event['sampling.rate'] ?? 1);
  event.sampled = 1 / event['sampling.rate'];
  return true;
}

function maskValue(value, regex, replacement) {
  if (value === null || value === undefined) return value;
  if (Array.isArray(value)) return value.map(item => maskValue(item, regex, replacement));
  if (typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, maskValue(v, regex, replacement)]));
  const text = String(value), masked = text.replace(regex, replacement);
  return masked === text ? value : masked;
}

function mask(processor, event) {
  for (const rule of processor.rules) {
    const regex = new RegExp(rule.pattern, 'g' + (rule.flags ?? '')), path = rule.field.match(/^attributes\['(.*)'\]$/);
    if (!path) {
      event[rule.field] = maskValue(event[rule.field], regex, rule.replacement);
      continue;
    }
    const glob = new RegExp('^' + path[1].split('*').map(part => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('[^]*') + '$');
    event.attributes = Object.fromEntries(Object.entries(event.attributes ?? {}).map(([key, value]) =>
      [key, glob.test(key) ? maskValue(value, regex, rule.replacement) : value]));
  }
}

// --- payloads: a template literal whose values are texts within quotes, and JSON outside ---

function render(template, event, env) {
  const source = template.replace(/\$\{([A-Z][A-Z0-9_]*)\}/g, (all, name) => env[name] ?? all).replace(/\\/g, '\\\\');
  let inside = false;
  const tag = ({raw}, ...values) => {
    let out = '';
    raw.forEach((text, i) => {
      text = text.replace(/\\\\/g, '\\');
      for (let at = 0; at < text.length; at++) {
        if (text[at] === '\\') at++;
        else if (text[at] === '"') inside = !inside;
      }
      out += text;
      if (i < values.length) out += inside ? JSON.stringify(String(values[i])).slice(1, -1) : JSON.stringify(values[i] ?? null);
    });
    return out;
  };
  return JSON.parse(new Function('scope', 'tag', 'with (scope) { return tag`' + source + '` }')(scopeOf(event, {tag}), tag));
}

function answer({document, lookups, event, now, kept, env}) {
  Date.now = () => now;
  const matched = {}, routes = [];
  if (document.enabled === false || !(document.filters ?? []).every(filter => says(filter.expression, event))) return {result: 'passed_by'};
  const after = {...event};
  for (const processor of document.processors ?? []) {
    if (processor.type === 'eval') evalFields(processor, after);
    else if (processor.type === 'lookup') lookup(processor, after, lookups);
    else if (processor.type === 'mask') mask(processor, after);
    else if (!sampling(processor, after, kept, matched)) return {result: 'dropped', matched};
  }
  for (const route of document.routes ?? []) {
    if (!says(route.filter, after)) continue;
    let payload;
    try {
      payload = route.payload_template === undefined ? undefined : render(route.payload_template, after, env);
    } catch (error) {
      payload = {failed: String(error)};
    }
    routes.push({route: route.name, destination: route.destination, payload});
  }
  return {result: 'routed', matched, routes, after};
}

let rest = '', out = [];
process.stdin.setEncoding('utf8');
process.stdin.on('data', text => {
  const lines = (rest + text).split('\n');
  rest = lines.pop();
  for (const line of lines) if (line) out.push(JSON.stringify(answer(JSON.parse(line))));
});
process.stdin.on('end', () => process.stdout.write(out.join('\n') + (out.length ? '\n' : '')));
