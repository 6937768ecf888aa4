// Authorizations of EIP-7702: signed as they should be, or spoilt in one field.
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { encodeRlp, getBytes, keccak256, toBeArray } from 'ethers';
import { WALLETS } from './generate.mjs';

const q = (n) => '0x' + BigInt(n).toString(16);
const trimmed = (n) => BigInt(n) === 0n ? '0x' : '0x' + Buffer.from(toBeArray(BigInt(n))).toString('hex');
export function signAuthorization(a) {
  const message = keccak256('0x05' + encodeRlp([trimmed(a.chainId), a.address, trimmed(a.nonce)]).slice(2));
  const s = secp256k1.sign(getBytes(message), getBytes(WALLETS[a.wallet].key), { prehash: false, format: 'recovered' });
  const out = { chainId: q(a.chainId), address: a.address, nonce: q(a.nonce), v: q(s[0]), r: '0x' + Buffer.from(s.slice(1, 33)).toString('hex'), s: '0x' + Buffer.from(s.slice(33)).toString('hex') };
  if (a.spoil === 0) out.v = q(s[0] ^ 1);
  if (a.spoil === 1) out.s = q(secp256k1.Point.Fn.ORDER - BigInt(out.s));
  if (a.spoil === 2) out.r = q(BigInt(out.r) ^ 1n);
  out.r = q(out.r);
  out.s = q(out.s);
  out.signer = WALLETS[a.wallet].address;
  return out;
}
