// SPDX-License-Identifier: Apache-2.0
// What Node says: a line {"expression", "event", "now", "seed"} in, a line {"value"[, "exact"]} or {"error"} out, as `genops pipeline
// eval` answers. Names are fields of the event, unless JavaScript has them; time and chance are given.
'use strict';
const own = new Set(['Math', 'Date', 'JSON', 'Number', 'String', 'Boolean', 'Object', 'Array', 'parseInt', 'parseFloat', 'isNaN', 'isFinite',
  'encodeURIComponent', 'decodeURIComponent', 'NaN', 'Infinity', 'undefined']);

function chance(seed) { // xorshift128+, 53 bits
  const mask = (1n << 64n) - 1n;
  let a = BigInt(seed), b = ~BigInt(seed) & mask;
  return () => {
    let x = a, y = b;
    if (!x && !y) x = 0x9E3779B97F4A7C15n;
    a = y;
    x ^= (x << 23n) & mask;
    x ^= (x >> 17n) ^ y ^ (y >> 26n);
    b = x;
    return Number(((x + y) & mask) >> 11n) / 2 ** 53;
  };
}

function exact(value) {
  if (value === undefined) return 'undefined';
  if (typeof value !== 'number') return undefined;
  return Object.is(value, -0) ? '-0' : Number.isFinite(value) ? undefined : String(value);
}

function answer({expression, event, now, seed}) {
  if (now !== undefined) Date.now = () => now;
  if (seed !== undefined) Math.random = chance(seed);
  const scope = new Proxy(event, {
    has: (_, name) => typeof name === 'string' && !own.has(name),
    get: (fields, name) => name === Symbol.unscopables ? undefined : name === '__e' ? event : Object.hasOwn(fields, name) ? fields[name] : undefined,
  });
  try {
    const value = new Function('scope', `with (scope) { return (${expression}\n) }`)(scope);
    const text = JSON.stringify(value === undefined ? null : value), name = exact(value);
    return `{"value":${text}${name ? `,"exact":"${name}"` : ''}}`;
  } catch (error) {
    return JSON.stringify({error: String(error)});
  }
}

let rest = '', out = [];
process.stdin.setEncoding('utf8');
process.stdin.on('data', text => {
  const lines = (rest + text).split('\n');
  rest = lines.pop();
  for (const line of lines) if (line) out.push(answer(JSON.parse(line)));
});
process.stdin.on('end', () => process.stdout.write(out.join('\n') + (out.length ? '\n' : '')));
