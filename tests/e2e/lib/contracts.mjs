// Our Solidity test contracts, compiled with the pinned solc; the result is kept in the build folder by hash.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { TOP } from './paths.mjs';

const DIR = path.join(TOP, 'tests/e2e/contracts');

export function contracts() {
  const sources = Object.fromEntries(fs.readdirSync(DIR).filter((f) => f.endsWith('.sol')).sort().map((f) => [f, { content: fs.readFileSync(path.join(DIR, f), 'utf8') }]));
  const settings = { evmVersion: 'cancun', optimizer: { enabled: true, runs: 200 }, outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object'] } } };
  const require = createRequire(import.meta.url);
  const version = require('solc/package.json').version;
  const key = createHash('sha256').update(JSON.stringify([sources, settings, version])).digest('hex').slice(0, 16);
  const kept = path.join(TOP, 'build/e2e', `contracts-${key}.json`);
  if (fs.existsSync(kept)) return JSON.parse(fs.readFileSync(kept, 'utf8'));
  const out = JSON.parse(require('solc').compile(JSON.stringify({ language: 'Solidity', sources, settings })));
  const errors = (out.errors ?? []).filter((e) => e.severity === 'error');
  if (errors.length) throw new Error(errors.map((e) => e.formattedMessage).join('\n'));
  const result = {};
  for (const file of Object.values(out.contracts)) {
    for (const [name, c] of Object.entries(file)) result[name] = { abi: c.abi, bytecode: '0x' + c.evm.bytecode.object, deployed: '0x' + c.evm.deployedBytecode.object };
  }
  fs.mkdirSync(path.dirname(kept), { recursive: true });
  const part = `${kept}.${process.pid}`;
  fs.writeFileSync(part, JSON.stringify(result));
  fs.renameSync(part, kept);
  return result;
}
