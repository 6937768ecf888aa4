/* node/config_keys.c
 *
 * The one table of configuration keys: name, type, place, bounds, default, help. Loading, --help, the printed effective
 * configuration and the environment names all come from it. Names are the peer's where it has one (spec 50 §8.2). */
#include "node/config_internal.h"

#include <stddef.h>

#define AT(field) offsetof(struct config, field)
#define K(name, type, field, min, max, def, help)                                                  \
    {                                                                                              \
        name, type, AT(field), 0, min, max, def, NULL, help                                        \
    }
#define ENUMK(name, field, names, def, help)                                                       \
    {                                                                                              \
        name, CFG_ENUM, AT(field), 0, 0, 0, def, names, help                                       \
    }
#define OPTK(name, flag, field, help)                                                              \
    {                                                                                              \
        name, CFG_OPT_WEI, AT(field), AT(flag), 0, 0, "", NULL, help                               \
    }
#define URLSK(name, urls, cnt, def, help)                                                          \
    {                                                                                              \
        name, CFG_URLS, AT(urls), AT(cnt), 0, 0, def, NULL, help                                   \
    }

static const char *const pubdata_modes[] = { "Blobs", "Calldata", "Validium", "RelayedL2Calldata",
                                             NULL };
const char *config_pubdata_mode_name(enum config_pubdata_mode m)
{
    return pubdata_modes[m];
}
static const char *const finalized_modes[] = { "executed", "l1_finalized", NULL };

static const char *const root_finalities[] = { "confirmations", "safe", "finalized", NULL };

#define BIG UINT64_MAX
const struct config_key config_keys[] = {
    URLSK("general.l1_rpc_url", general.l1_rpc_urls, general.l1_rpc_url_cnt,
          "http://localhost:8545",
          "L1 JSON-RPC endpoints: one, a list, or comma-separated; the first that works is used"),
    URLSK("general.gateway_rpc_url", general.gateway_rpc_urls, general.gateway_rpc_url_cnt, "",
          "the same of the Gateway; needed when the Bridgehub says the chain settles on one"),
    K("general.rocks_db_path", CFG_TEXT, general.data_dir, 1, 0, "./db/node1", "data folder"),
    K("general.min_blocks_to_replay", CFG_U64, general.min_blocks_to_replay, 0, 100000, "10",
      "blocks executed again at start, to find damage before anything is built on it"),
    K("general.blocks_to_retain_in_memory", CFG_U64, general.blocks_to_retain_in_memory, 1, 100000,
      "512", "decoded blocks kept in memory"),
    K("general.history_blocks", CFG_U64, general.history_blocks, 16, 100000000, "4096",
      "blocks whose state answers RPC"),
    K("general.checkpoint_every_blocks", CFG_U64, general.checkpoint_every_blocks, 0, 100000000,
      "2000", "state checkpoint interval; 0: none"),
    K("general.workers", CFG_U64, general.workers, 1, 64, "2", "threads that answer RPC"),
    K("genesis.bridgehub_address", CFG_ADDR, genesis.bridgehub_address, 1, 0, "",
      "Bridgehub on L1; everything else is discovered from it"),
    K("genesis.chain_id", CFG_U64, genesis.chain_id, 1, (1ull << 53) - 1, "270",
      "chain id of this chain"),
    K("genesis.genesis_input_path", CFG_TEXT, genesis.genesis_input_path, 1, 0, "",
      "genesis file (alloc or contracts form)"),
    K("rpc.address", CFG_TEXT, rpc.address, 1, 0, "0.0.0.0:3050", "HTTP listener"),
    K("rpc.eth_call_gas", CFG_U64, rpc.eth_call_gas, 21000, BIG, "10000000",
      "gas of a call that names none"),
    K("rpc.max_connections", CFG_U64, rpc.max_connections, 1, 100000, "1000", "open connections"),
    K("rpc.max_websocket_connections", CFG_U64, rpc.max_websockets, 0, 100000, "500",
      "how many of them may be WebSockets; 0: none"),
    K("rpc.websocket_ping", CFG_DURATION, rpc.websocket_ping_ms, 100, 3600000, "30s",
      "silence on a WebSocket before a ping; as long again without an answer closes it"),
    K("rpc.max_request_size", CFG_SIZE, rpc.max_request_size, 1024, 1ull << 30, "15MB",
      "request body"),
    K("rpc.max_response_size", CFG_SIZE, rpc.max_response_size, 1024, 1ull << 30, "24MB",
      "response body"),
    K("rpc.max_batch_size", CFG_U64, rpc.max_batch_size, 1, 100000, "1000", "calls in one batch"),
    K("rpc.max_blocks_per_filter", CFG_U64, rpc.max_blocks_per_filter, 1, BIG, "10000",
      "block range of eth_getLogs"),
    K("rpc.max_logs_per_response", CFG_U64, rpc.max_logs_per_response, 1, BIG, "10000",
      "logs of one answer"),
    K("rpc.stale_filter_ttl", CFG_DURATION, rpc.stale_filter_ttl_ms, 1000, BIG, "15m",
      "a filter nobody polls goes away"),
    K("rpc.memory_budget", CFG_SIZE, rpc.memory_budget, 1u << 20, 1ull << 40, "256MB",
      "bodies, parsed JSON and unsent replies over all connections"),
    K("rpc.send_raw_transaction_sync_timeout", CFG_DURATION,
      rpc.send_raw_transaction_sync_timeout_ms, 1, 30000, "2s",
      "default wait of eth_sendRawTransactionSync"),
    K("rpc.gas_price_scale_factor", CFG_F64, rpc.gas_price_scale_factor, 1, 100, "1.5",
      "eth_gasPrice over the base fee"),
    K("rpc.estimate_gas_pubdata_price_factor", CFG_F64, rpc.estimate_gas_pubdata_price_factor, 1,
      100, "2.0", "pubdata price assumed by estimates, so that they survive a rise"),
    ENUMK("rpc.finalized_mode", rpc.finalized_mode, finalized_modes, "l1_finalized",
          "what the tag finalized means: executed on the settlement layer, or executed in a "
          "finalized L1 block"),
    K("rpc.debug_namespace", CFG_BOOL, rpc.debug_namespace, 0, 0, "false", "serve debug_ methods"),
    K("rpc.txpool_namespace", CFG_BOOL, rpc.txpool_namespace, 0, 0, "true",
      "serve txpool_ methods"),
    K("mempool.max_pending_txs", CFG_U64, mempool.max_pending_txs, 1, 10000000, "50000",
      "executable transactions"),
    K("mempool.max_queued_txs", CFG_U64, mempool.max_queued_txs, 1, 10000000, "10000",
      "transactions that wait for a nonce or funds"),
    K("mempool.max_account_slots", CFG_U64, mempool.max_account_slots, 1, 1000000, "64",
      "of one sender, executable and waiting each"),
    K("mempool.max_bytes", CFG_SIZE, mempool.max_bytes, 1u << 20, 1ull << 40, "256MB",
      "size of the pool"),
    K("mempool.queued_ttl", CFG_DURATION, mempool.queued_ttl_ms, 1000, BIG, "3h",
      "a waiting transaction is dropped after this"),
    K("mempool.price_bump_percent", CFG_U64, mempool.price_bump_percent, 1, 1000, "10",
      "fee rise that replaces a transaction"),
    K("mempool.minimal_protocol_basefee", CFG_U64, mempool.minimal_protocol_basefee, 0, BIG, "7",
      "lowest max fee accepted, wei"),
    K("mempool.max_tx_size", CFG_SIZE, mempool.max_tx_size, 1024, 8u << 20, "128KB",
      "encoded transaction"),
    K("mempool.allow_unprotected", CFG_BOOL, mempool.allow_unprotected, 0, 0, "false",
      "accept legacy transactions without a chain id"),
    K("mempool.allow_set_code", CFG_BOOL, mempool.allow_set_code, 0, 0, "false",
      "accept EIP-7702 transactions by RPC"),
    K("sequencer.block_time", CFG_DURATION, sequencer.block_time_ms, 1, 3600000, "250ms",
      "at most one block in this time"),
    K("sequencer.max_transactions_in_block", CFG_U64, sequencer.max_transactions_in_block, 1, 65535,
      "1000", "transactions of one block"),
    K("sequencer.block_gas_limit", CFG_U64, sequencer.block_gas_limit, 72000000, BIG / 256,
      "100000000", "gas of one block"),
    K("sequencer.block_pubdata_limit_bytes", CFG_U64, sequencer.block_pubdata_limit_bytes, 1000,
      126976, "110000", "pubdata of one block"),
    K("sequencer.max_blocks_to_produce", CFG_U64, sequencer.max_blocks_to_produce, 0, BIG, "0",
      "stop after so many blocks; 0: never"),
    K("sequencer.fee_collector_address", CFG_ADDR, sequencer.fee_collector_address, 0, 0,
      "0x36615Cf349d7F6344891B1e7CA7C72883F5dc049", "coinbase: receives every fee"),
    OPTK("sequencer.base_fee_override", sequencer.has_base_fee_override,
         sequencer.base_fee_override, "base fee, wei; wins over the fee model"),
    OPTK("sequencer.pubdata_price_override", sequencer.has_pubdata_price_override,
         sequencer.pubdata_price_override, "pubdata price, wei per byte; wins over the fee model"),
    OPTK("sequencer.native_price_override", sequencer.has_native_price_override,
         sequencer.native_price_override, "price of a native unit, wei; wins over the fee model"),
    K("fee.native_price_usd", CFG_F64, fee.native_price_usd, 0, 1, "3e-9",
      "USD for one native unit"),
    K("fee.base_token_usd", CFG_F64, fee.base_token_usd, 0, 1000000000, "0",
      "USD for one base token; 0: not known, overrides are then required"),
    K("fee.sl_token_usd", CFG_F64, fee.sl_token_usd, 0, 1000000000, "0",
      "USD for one token of the settlement layer; 0: as the base token"),
    K("fee.native_per_gas", CFG_U64, fee.native_per_gas, 1, 1000000, "100",
      "base fee = native price times this"),
    K("fee.pubdata_price_cap", CFG_WEI, fee.pubdata_price_cap, 0, 0, "0",
      "highest pubdata price, wei per byte; 0: none"),
    K("l1_sender.enabled", CFG_BOOL, l1_sender.enabled, 0, 0, "true",
      "send settlement transactions"),
    K("l1_sender.operator_commit_sk", CFG_SECRET, l1_sender.operator_commit, 0, 0, "",
      "key that commits batches"),
    K("l1_sender.operator_prove_sk", CFG_SECRET, l1_sender.operator_prove, 0, 0, "",
      "key that proves batches"),
    K("l1_sender.operator_execute_sk", CFG_SECRET, l1_sender.operator_execute, 0, 0, "",
      "key that executes batches"),
    K("l1_sender.max_fee_per_gas", CFG_WEI, l1_sender.max_fee_per_gas, 0, 0, "200 gwei",
      "ceiling of the fee of a settlement transaction"),
    K("l1_sender.max_priority_fee_per_gas", CFG_WEI, l1_sender.max_priority_fee_per_gas, 0, 0,
      "1 gwei", "ceiling of its tip"),
    K("l1_sender.max_fee_per_blob_gas", CFG_WEI, l1_sender.max_fee_per_blob_gas, 0, 0, "2 gwei",
      "ceiling of its blob fee"),
    K("l1_sender.command_limit", CFG_U64, l1_sender.command_limit, 1, 16, "16",
      "transactions in flight for each key"),
    K("l1_sender.poll_interval", CFG_DURATION, l1_sender.poll_interval_ms, 50, 600000, "1s",
      "how often receipts are asked for"),
    K("l1_sender.transaction_timeout", CFG_DURATION, l1_sender.transaction_timeout_ms, 1000, BIG,
      "600s", "warn when a transaction is older"),
    K("l1_sender.required_confirmations", CFG_U64, l1_sender.required_confirmations, 1, 1000, "3",
      "depth that counts as settled; inclusion is 1"),
    ENUMK("l1_sender.pubdata_mode", l1_sender.pubdata_mode, pubdata_modes, "Calldata",
          "how pubdata reaches the settlement layer: in blobs, in calldata, not at all, through a "
          "Gateway; must be what the chain's DA pair expects"),
    K("l1_watcher.max_blocks_to_process", CFG_U64, l1_watcher.max_blocks_to_process, 1, 100000,
      "1000", "blocks of one eth_getLogs"),
    K("l1_watcher.poll_interval", CFG_DURATION, l1_watcher.poll_interval_ms, 50, 600000, "1s",
      "how often L1 is looked at"),
    K("l1_watcher.confirmations", CFG_U64, l1_watcher.confirmations, 0, 10000, "2",
      "newest blocks left alone; a deposit this deep is taken"),
    K("l1_watcher.accept_history", CFG_BOOL, l1_watcher.accept_history, 0, 0, "false",
      "start although L1 has fewer executed batches than this folder saw (after a deep "
      "reorganisation)"),
    ENUMK("interop.root_finality", interop.root_finality, root_finalities, "confirmations",
          "which blocks of the settlement layer roots are imported from: so many blocks deep, or "
          "what it calls safe or finalized"),
    K("interop.root_confirmations", CFG_U64, interop.root_confirmations, 0, 10000, "1",
      "blocks on top of one whose root is imported"),
    K("interop.root_quiet", CFG_DURATION, interop.root_quiet_ms, 0, 3600000, "2s",
      "a head that stays this long is deep enough: a quiet Gateway makes no further block"),
    K("batcher.enabled", CFG_BOOL, batcher.enabled, 0, 0, "true", "seal batches"),
    K("batcher.batch_timeout", CFG_DURATION, batcher.batch_timeout_ms, 1, BIG, "60s",
      "a batch is sealed this long after its first block"),
    K("batcher.tx_per_batch_limit", CFG_U64, batcher.tx_per_batch_limit, 1, BIG, "10000",
      "transactions of one batch"),
    K("batcher.blocks_per_batch_limit", CFG_U64, batcher.blocks_per_batch_limit, 0, BIG, "0",
      "blocks of one batch; 0: no limit"),
    K("prover_api.fake_fri_provers.enabled", CFG_BOOL, prover_api.fake_fri_provers_enabled, 0, 0,
      "false", "mock proofs; only where the contract says it is the testnet verifier"),
    K("prover_api.fake_snark_provers.enabled", CFG_BOOL, prover_api.fake_snark_provers_enabled, 0,
      0, "false", "mock proofs; only where the contract says it is the testnet verifier"),
    K("prover_api.max_fris_per_snark", CFG_U64, prover_api.max_fris_per_snark, 1, 100, "10",
      "batches proved by one transaction"),
    K("status_server.enabled", CFG_BOOL, status_server.enabled, 0, 0, "true", "serve /status"),
    K("status_server.address", CFG_TEXT, status_server.address, 1, 0, "0.0.0.0:3071",
      "status listener"),
    K("observability.prometheus.enabled", CFG_BOOL, prometheus.enabled, 0, 0, "true",
      "serve /metrics"),
    K("observability.prometheus.address", CFG_TEXT, prometheus.address, 1, 0, "0.0.0.0",
      "metrics listener, host"),
    K("observability.prometheus.port", CFG_U64, prometheus.port, 1, 65535, "3312",
      "metrics listener, port"),
    K("observability.log.levels", CFG_TEXT, log.levels, 1, 0, "info",
      "level, or levels by component: settlement=debug,l1=trace"),
    K("observability.log.json", CFG_BOOL, log.json, 0, 0, "false", "log lines as JSON"),
};
const size_t config_key_cnt = sizeof(config_keys) / sizeof(config_keys[0]);
