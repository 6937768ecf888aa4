// A case as a state test of the public suites, which is what both engines are given and what is kept of a difference.
import { signAuthorization } from './sign.mjs';
import { COINBASE, WALLETS } from './generate.mjs';
import { hex } from './program.mjs';

const q = (n) => '0x' + BigInt(n).toString(16), word = (n) => '0x' + BigInt(n).toString(16).padStart(64, '0');
export const FORK_NAME = { cancun: 'Cancun', prague: 'Prague', osaka: 'Osaka' };

export function toStateTest(c, expected = {}) {
  const tx = c.tx, pre = {};
  for (const a of c.accounts) pre[a.address] = { nonce: q(a.nonce), balance: q(a.balance), code: hex(a.program.assemble()), storage: Object.fromEntries(Object.entries(a.storage).map(([k, v]) => [q(k), q(v)])) };
  const transaction = { nonce: q(tx.nonce), gasLimit: [q(tx.gas)], to: tx.to ?? '', value: [q(tx.value)], data: [hex(tx.data)], sender: WALLETS[0].address, secretKey: WALLETS[0].key };
  if (tx.type < 2) transaction.gasPrice = q(tx.maxFee);
  else Object.assign(transaction, { maxFeePerGas: q(tx.maxFee), maxPriorityFeePerGas: q(tx.tip) });
  if (tx.type) transaction.accessLists = [tx.access.map((a) => ({ address: a.address, storageKeys: a.keys.map(word) }))];
  if (tx.type === 3) Object.assign(transaction, { blobVersionedHashes: tx.blobs, maxFeePerBlobGas: q(tx.blobFee) });
  if (tx.type === 4) transaction.authorizationList = tx.auths.map(signAuthorization);
  return {
    env: { currentCoinbase: COINBASE, currentGasLimit: q(c.env.gasLimit), currentNumber: q(c.env.number), currentTimestamp: q(c.env.timestamp), currentBaseFee: q(c.env.base), currentRandom: word(c.env.random), currentExcessBlobGas: '0x0' },
    pre, transaction,
    post: { [FORK_NAME[c.fork]]: [{ indexes: { data: 0, gas: 0, value: 0 }, hash: expected.root ?? word(0), logs: expected.logs ?? word(0), ...(expected.rejected ? { expectException: 'TR_Rejected' } : {}) }] },
  };
}
