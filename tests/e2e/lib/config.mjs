// The configuration of a test node: the devnet's template, filled in, with changes by dotted key.
import fs from 'node:fs';
import path from 'node:path';
import { OPERATORS } from './l1.mjs';
import { GENESIS, TEMPLATE } from './paths.mjs';

// Block maps of scalars, which is all the template uses.
export function parseYaml(text) {
  const root = {}, stack = [[-1, root]];
  for (const line of text.split('\n')) {
    const m = /^( *)([A-Za-z0-9_]+):(?: +(.*?))? *$/.exec(line.replace(/(^| )#.*$/, ''));
    if (!m) { if (line.trim() && !line.trim().startsWith('#')) throw new Error('cannot read: ' + line); continue; }
    while (stack.at(-1)[0] >= m[1].length) stack.pop();
    const parent = stack.at(-1)[1];
    if (m[3] === undefined || m[3] === '') stack.push([m[1].length, parent[m[2]] = {}]);
    else parent[m[2]] = m[3].replace(/^"(.*)"$/, '$1');
  }
  return root;
}

export function emitYaml(tree, indent = '') {
  let out = '';
  for (const [key, v] of Object.entries(tree)) {
    if (v === undefined) continue;
    if (Array.isArray(v)) out += `${indent}${key}:\n` + v.map((x) => `${indent}  - ${JSON.stringify(x)}\n`).join('');
    else if (v !== null && typeof v === 'object') out += `${indent}${key}:\n` + emitYaml(v, indent + '  ');
    else out += `${indent}${key}: ${typeof v === 'string' ? JSON.stringify(v) : v}\n`;
  }
  return out;
}

function set(tree, dotted, value) {
  const parts = dotted.split('.'), last = parts.pop();
  let at = tree;
  for (const p of parts) at = at[p] !== null && typeof at[p] === 'object' ? at[p] : (at[p] = {});
  if (value === undefined) delete at[last];
  else at[last] = value;
}

// Writes keys and configuration below `data` and gives the file's path. `changes` maps dotted keys to
// values; undefined removes a key.
export function writeConfig({ data, l1Urls, ports, da = 'calldata', batchTimeout = '2s', genesis = GENESIS, changes = {}, keys = {}, name = 'chain10.yaml' }) {
  fs.mkdirSync(path.join(data, 'keys'), { recursive: true, mode: 0o700 });
  for (const [step, wallet] of Object.entries(OPERATORS)) {
    fs.writeFileSync(path.join(data, 'keys', step), (keys[step] ?? wallet.privateKey) + '\n', { mode: 0o600 });
  }
  const fill = {
    L1_URL: l1Urls[0], DATA: data, GENESIS: genesis, RPC_PORT: ports.rpc, STATUS_PORT: ports.status, METRICS_PORT: ports.metrics,
    DA: { validium: 'Validium', blobs: 'Blobs' }[da] ?? 'Calldata', BATCH_TIMEOUT: batchTimeout,
  };
  const tree = parseYaml(fs.readFileSync(TEMPLATE, 'utf8').replace(/@([A-Z0-9_]+)@/g, (_, w) => {
    if (!(w in fill)) throw new Error('the template asks for @' + w + '@');
    return fill[w];
  }));
  if (l1Urls.length > 1) set(tree, 'general.l1_rpc_url', l1Urls);
  for (const [k, v] of Object.entries(changes)) set(tree, k, v);
  const file = path.join(data, name);
  fs.writeFileSync(file, emitYaml(tree), { mode: 0o600 });
  return file;
}
