// What a transaction costs by the double accounting of spec 10 §7, and what bounds it.
import { num } from './rpc.mjs';

const MAX_NATIVE = 2n ** 64n - 2n;
const ceilDiv = (a, b) => (a + b - 1n) / b;

// Prices of the block a receipt is in: { nativePerGas, nativePerPubdata } for that transaction.
export async function ratios(rpc, receipt) {
  const m = await rpc.q('zks_getBlockMetadataByNumber', num(receipt.blockNumber));
  const price = BigInt(receipt.effectiveGasPrice), native = BigInt(m.native_price), pubdata = BigInt(m.pubdata_price_per_byte);
  return { nativePerGas: ceilDiv(price, native), nativePerPubdata: pubdata / native, price, native, pubdata };
}

// Gas by the formula: the larger of what the EVM charged and what the native resource costs at this price.
export function gasUsed({ evmGas, refund = 0n, nativeUsed, nativePerGas, failed = false }) {
  const capped = failed ? 0n : refund < evmGas / 5n ? refund : evmGas / 5n;
  const evm = evmGas - capped;
  const byNative = nativePerGas === 0n ? 0n : nativeUsed / nativePerGas;
  return evm > byNative ? evm : byNative;
}

// 'evm', or 'native' when the native resource (pubdata included) sets the gas of a receipt that carries nativeUsed.
export async function boundBy(rpc, receipt) {
  if (receipt.nativeUsed === undefined) throw new Error('the receipt does not say nativeUsed');
  const { nativePerGas } = await ratios(rpc, receipt);
  return BigInt(receipt.nativeUsed) / nativePerGas >= BigInt(receipt.gasUsed) ? 'native' : 'evm';
}

// The exact limits of an L2 transaction at given prices (v31 constants), before its body runs.
export function intrinsic({ data = '0x', accessList = [], create = false, gasLimit, nativePerGas, nativePerPubdata }) {
  const bytes = Buffer.from(data.slice(2), 'hex'), zeros = bytes.filter((b) => b === 0).length;
  const tokens = BigInt(zeros + 4 * (bytes.length - zeros)), len = BigInt(bytes.length);
  const addresses = BigInt(accessList.length), keys = BigInt(accessList.reduce((n, a) => n + a.storageKeys.length, 0));
  const gas = 21000n + 4n * tokens + (create ? 32000n + 2n * ((len + 31n) / 32n) : 0n) + 2400n * addresses + 1900n * keys;
  const native = 922_240n + 259n * len + 259_980n * addresses + 256_754n * keys;
  const full = nativePerGas === 0n ? MAX_NATIVE : nativePerGas * gasLimit;
  return { gas, native, pubdata: 134n, full, spare: full - native - 134n * nativePerPubdata };
}
