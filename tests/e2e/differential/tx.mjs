// The signed transaction of a state test, and what both engines' results are put into.
import { Common, Hardfork, Mainnet } from '@ethereumjs/common';
import { createTx } from '@ethereumjs/tx';
import { hexToBytes } from '@ethereumjs/util';
import { encodeRlp, keccak256 } from 'ethers';

const FORK = { Cancun: Hardfork.Cancun, Prague: Hardfork.Prague, Osaka: Hardfork.Osaka };
export const toHex = (b) => '0x' + Buffer.from(b).toString('hex');
// [[address, topics, data], ...] in hex
export const logsHash = (logs) => keccak256(encodeRlp(logs));

// Blob transactions are made without their blobs; the library only wants something that could look at them.
const unasked = () => { throw new Error('no blob is looked at'); };
const customCrypto = { kzg: { blobToKzgCommitment: unasked, computeBlobKzgProof: unasked, computeBlobProof: unasked, verifyProof: unasked, verifyBlobKzgProofBatch: unasked, verifyBlobProofBatch: unasked } };

const made = new Map();
export function common(fork) {
  if (!made.has(fork)) made.set(fork, new Common({ chain: Mainnet, hardfork: FORK[fork], customCrypto }));
  return made.get(fork);
}

export function transaction(t, chain) {
  const base = { nonce: t.nonce, gasLimit: t.gasLimit[0], to: t.to === '' ? undefined : t.to, value: t.value[0], data: t.data[0], chainId: 1n };
  const access = t.accessLists?.[0];
  if (t.authorizationList) Object.assign(base, { type: 4, authorizationList: t.authorizationList.map(({ chainId, address, nonce, v, r, s }) => ({ chainId, address, nonce, yParity: v, r, s })) });
  else if (t.blobVersionedHashes) Object.assign(base, { type: 3, blobVersionedHashes: t.blobVersionedHashes, maxFeePerBlobGas: t.maxFeePerBlobGas });
  else if (t.maxFeePerGas) base.type = 2;
  else base.type = access ? 1 : 0;
  if (access) base.accessList = access;
  if (t.maxFeePerGas) Object.assign(base, { maxFeePerGas: t.maxFeePerGas, maxPriorityFeePerGas: t.maxPriorityFeePerGas });
  else base.gasPrice = t.gasPrice;
  return createTx(base, { common: chain }).sign(hexToBytes(t.secretKey));
}
