/* node/config.h
 *
 * The validated configuration: YAML files in order, then environment SECTION_FIELD, then flags (spec 50 §8.1). One table in
 * config.c names every key, its type, default, bounds and help; unknown keys are errors unless allowed. Const after start.
 * Secrets come from the file named by {file: path}, from the environment, or inline; they are never printed. */
#ifndef GH_NODE_CONFIG_H
#define GH_NODE_CONFIG_H

#include "node/base/buf.h"
#include "node/base/bytes.h"
#include "node/base/err.h"
#include "node/base/u256.h"

#define CONFIG_TEXT_CAP 512
#define CONFIG_MAX_URLS 8

struct config_secret {
    bool set;
    uint8_t key[32];
};
enum config_root_finality { ROOT_FINAL_BLOCKS, ROOT_FINAL_SAFE, ROOT_FINAL_FINALIZED };
enum config_pubdata_mode {
    PUBDATA_BLOBS = 0,
    PUBDATA_CALLDATA = 1,
    PUBDATA_VALIDIUM = 2,
    PUBDATA_RELAYED = 3
};
const char *config_pubdata_mode_name(enum config_pubdata_mode m); /* as in the configuration */
enum config_verification_mode { VERIFY_NOTHING, VERIFY_LOCALLY, VERIFY_REMOTELY };
enum config_finalized_mode { FINALIZED_EXECUTED, FINALIZED_L1 };

struct config {
    struct {
        char l1_rpc_urls[CONFIG_MAX_URLS][CONFIG_TEXT_CAP];
        size_t l1_rpc_url_cnt;
        char gateway_rpc_urls[CONFIG_MAX_URLS][CONFIG_TEXT_CAP];
        size_t gateway_rpc_url_cnt;
        char data_dir[CONFIG_TEXT_CAP];
        uint64_t min_blocks_to_replay, blocks_to_retain_in_memory;
        uint64_t history_blocks, checkpoint_every_blocks;
        uint64_t workers;
    } general;
    struct {
        struct addr bridgehub_address;
        uint64_t chain_id;
        char genesis_input_path[CONFIG_TEXT_CAP];
    } genesis;
    struct {
        char address[CONFIG_TEXT_CAP]; /* host:port */
        uint64_t eth_call_gas, max_connections, max_websockets, websocket_ping_ms, max_request_size,
            max_response_size, max_batch_size;
        uint64_t max_blocks_per_filter, max_logs_per_response, stale_filter_ttl_ms, memory_budget;
        uint64_t send_raw_transaction_sync_timeout_ms;
        double gas_price_scale_factor, estimate_gas_pubdata_price_factor;
        enum config_finalized_mode finalized_mode;
        bool debug_namespace, txpool_namespace;
    } rpc;
    struct {
        uint64_t max_pending_txs, max_queued_txs, max_account_slots, max_bytes, queued_ttl_ms,
            price_bump_percent;
        uint64_t minimal_protocol_basefee, max_tx_size;
        bool allow_unprotected, allow_set_code;
    } mempool;
    struct {
        uint64_t block_time_ms, max_transactions_in_block, block_gas_limit,
            block_pubdata_limit_bytes, max_blocks_to_produce;
        struct addr fee_collector_address;
        bool has_base_fee_override, has_pubdata_price_override, has_native_price_override;
        struct u256 base_fee_override, pubdata_price_override, native_price_override;
    } sequencer;
    struct {
        double native_price_usd, base_token_usd, sl_token_usd; /* USD per whole token; 0: unknown */
        uint64_t native_per_gas;
        struct u256 pubdata_price_cap; /* 0: none */
    } fee;
    struct {
        bool enabled;
        struct config_secret operator_commit, operator_prove, operator_execute;
        struct u256 max_fee_per_gas, max_priority_fee_per_gas, max_fee_per_blob_gas; /* wei */
        uint64_t command_limit, poll_interval_ms, transaction_timeout_ms, required_confirmations;
        enum config_pubdata_mode pubdata_mode;
    } l1_sender;
    struct {
        uint64_t max_blocks_to_process, poll_interval_ms, confirmations;
        bool accept_history;
    } l1_watcher;
    struct {
        enum config_root_finality root_finality;
        uint64_t root_confirmations, root_quiet_ms;
    } interop;
    struct {
        bool enabled;
        uint64_t batch_timeout_ms, tx_per_batch_limit, blocks_per_batch_limit;
    } batcher;
    struct {
        bool enabled, allow_anonymous;
        char address[CONFIG_TEXT_CAP]; /* host:port */
        struct config_secret token, second_token;
        uint64_t fri_job_timeout_ms, snark_job_timeout_ms, max_assigned_batch_range,
            max_fris_per_snark;
        uint64_t verifier_version;
        char verification_key_hash[CONFIG_TEXT_CAP];               /* "": our own */
        bool fake_fri_provers_enabled, fake_snark_provers_enabled; /* only on a testnet verifier */
        uint64_t fake_snark_max_batch_age_ms;
    } prover_api;
    struct {
        enum config_verification_mode mode;
        char urls[CONFIG_MAX_URLS][CONFIG_TEXT_CAP];
        size_t url_cnt;
        uint64_t threshold, request_timeout_ms;
        struct config_secret token;
    } verification;
    struct {
        bool enabled;
        char address[CONFIG_TEXT_CAP];
    } status_server;
    struct {
        bool enabled;
        char address[CONFIG_TEXT_CAP]; /* host; the port is its own key in the peer's files */
        uint64_t port;
    } prometheus;
    struct {
        char levels[CONFIG_TEXT_CAP];
        bool json;
    } log;
};

void config_defaults(struct config *c);
struct config_sources {
    const char *const *files; /* YAML, later ones win */
    size_t file_cnt;
    char *const *env; /* environ; NULL: none */
    bool allow_unknown;
};
/* Reads, merges, validates. The error names file, line and key. Unknown keys that are allowed go to *warnings, a line each. */
MUST_USE bool config_load(struct config *c, const struct config_sources *src, struct buf *warnings,
                          struct err *err);
/* The effective configuration as YAML, secrets as "***". */
MUST_USE bool config_print(struct buf *out, const struct config *c);
/* Every key with type, default and help, for --help and the sample file. */
MUST_USE bool config_describe(struct buf *out);
void config_clear(struct config *c); /* cleanses secrets */

#endif
