// Where things are: this tree, its program, the pinned tools, the recorded L1.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const TOP = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
export const SHARED = path.resolve(process.env.GH_SHARED ?? path.join(TOP, '../shared'));
export const GATEHOUSE = path.resolve(process.env.GH_BINARY ?? path.join(TOP, 'build/release/gatehouse'));
export const GENESIS = path.join(SHARED, 'l1/l2-genesis-v31.json');
export const REPLAY = path.join(SHARED, 'l1/tools/replay-l1.mjs');
export const TEMPLATE = path.join(TOP, 'ops/devnet.d/chain10.yaml.in');

const MODULES = path.join(TOP, 'tests/e2e/node_modules');
const CPU = process.arch === 'arm64' ? 'arm64' : 'amd64';
// The programs themselves, not their JavaScript wrappers: a signal must reach the process it is meant for.
export const ANVIL = process.env.ANVIL ?? path.join(MODULES, `@foundry-rs/anvil-linux-${CPU}/bin/anvil`);
export const CAST = process.env.CAST ?? path.join(MODULES, `@foundry-rs/cast-linux-${CPU}/bin/cast`);

export const haveSharedL1 = () => fs.existsSync(REPLAY) && fs.existsSync(GENESIS);
export const NEED_SHARED = `needs the recorded L1 (${path.relative(TOP, path.join(SHARED, 'l1'))} beside the source tree; GH_SHARED names another place)`;

// A new folder below the build folder, where a failed run leaves its logs.
export function scratch(name) {
  const parent = path.join(TOP, 'build/e2e');
  fs.mkdirSync(parent, { recursive: true });
  return fs.mkdtempSync(path.join(parent, name + '-'));
}
