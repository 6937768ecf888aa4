// Makes package-lock.json again after package.json changed:  node tests/e2e/lock.mjs
// No registry host is kept (packages are pinned by hash). The platform packages lose their "engines": npm 9, which runs
// on node 18, leaves out optional packages that ask for more, and the node they run under is pinned here anyway.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const dir = path.dirname(fileURLToPath(import.meta.url)), file = path.join(dir, 'package-lock.json');
execFileSync('npm', ['install', '--package-lock-only', '--omit-lockfile-registry-resolved', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: dir, stdio: 'inherit' });
const lock = JSON.parse(fs.readFileSync(file, 'utf8'));
for (const [name, p] of Object.entries(lock.packages)) {
  delete p.resolved;
  if (/-linux-(x64|amd64|arm64)$/.test(name)) delete p.engines;
}
fs.writeFileSync(file, JSON.stringify(lock, null, 2) + '\n');
