/* node/stf/ee.h   (inside stf)
 *
 * Execution environments are a table. An environment runs one frame until it asks for something or
 * ends; the frame driver (frame.c) answers requests and owns the stack of frames, so there is no C
 * recursion, and running out of native unwinds all frames at once. The table is part of the rules
 * (rules.h); EVM is number 1. Nothing above this header knows an opcode. */
#ifndef GH_STF_EE_H
#define GH_STF_EE_H

#include "node/stf/rules.h"
#include "node/stf/system.h"

enum call_kind {
    CALL_PLAIN,
    CALL_CODE,
    CALL_DELEGATE,
    CALL_STATIC,
    /* of frames only, as tracers see them: a creation has a request of its own */
    CALL_CREATE,
    CALL_CREATE2
};

struct ee_call_request {
    enum call_kind kind;
    struct addr code_addr; /* callee: whose code runs (or precompile, or hook) */
    struct addr self;      /* storage and ADDRESS of the new frame */
    struct addr caller;    /* CALLER of the new frame */
    struct u256 value;     /* CALLVALUE; moved caller -> self for CALL_PLAIN */
    struct bytes input;    /* borrowed from the caller's memory, which stays unchanged meanwhile */
    uint64_t gas;          /* already taken from the caller (63/64, stipend added) */
    bool is_static;
};
struct ee_create_request {
    struct bytes initcode; /* borrowed */
    struct u256 value;
    struct b256 salt;
    bool has_salt;       /* CREATE2 */
    uint8_t environment; /* whose initcode it is; 0: the creator's */
    uint64_t gas;
};

enum ee_exit { EE_CALL, EE_CREATE, EE_DONE };

/* Of a sub-call or deployment, given to resume; gas and native are already back in the frame. */
struct ee_result {
    bool success;
    struct bytes output; /* return data; deployed: empty */
    struct addr created; /* zero when failed */
};

struct ee_frame {
    /* filled by the driver */
    const struct stf_ee *ee;
    struct addr self, caller, code_addr;
    struct u256 value;
    struct bytes input, code;
    const uint8_t
        *bitmap; /* jump destinations of code; NULL for initcode: the environment finds them */
    struct b256 code_hash; /* bytecode hash of deployed code; zero for initcode */
    struct stf_res res;
    unsigned depth;
    bool is_static, is_create;
    /* filled by the environment on exit */
    union {
        struct ee_call_request call;
        struct ee_create_request create;
    } request;
    enum stf_halt halt;  /* EE_DONE */
    struct bytes output; /* EE_DONE */
    /* owned by the environment */
    void *state;
};

#define EE_ID_CAP    4u    /* ids are 1 .. EE_ID_CAP - 1 */
#define EE_DEPTH_CAP 1025u /* depths 0..1024 */

struct stf_ee {
    uint8_t id; /* as account records have it */
    /* Both run until a request or the end. The frame's state is created by start, in the block's
     * arena or in memory the environment pools in *pool (one pointer per block, NULL at first). */
    enum ee_exit (*start)(struct stf_block *b, struct ee_frame *f, void **pool);
    enum ee_exit (*resume)(struct stf_block *b, struct ee_frame *f, const struct ee_result *sub,
                           void **pool);
    /* Initcode succeeded with its output, the code: what deploying it costs, and whether it may be. HALT_NONE: yes. */
    enum stf_halt (*deploy)(struct stf_block *b, struct ee_frame *f);
    /* The frame is gone (ended, or unwound): give its state back to the pool. */
    void (*finish)(struct ee_frame *f, void **pool);
};
/* NULL: these rules have no such environment */
const struct stf_ee *stf_ee_find(const struct stf_rules *rules, uint8_t id);
extern const struct stf_ee stf_ee_evm;

/* A buffer in the block's arena that grows and is used again. */
struct ee_buf {
    uint8_t *p;
    size_t cap;
};
/* At least need bytes, contents not kept; HALT_BLOCK when the arena is full. */
enum stf_halt ee_buf_reserve(struct stf_block *b, struct ee_buf *buf, size_t need);

/* precompiles.c: gas and native by spec 10 §8.2, §7.7. *output points into buf. HALT_STOP, an
 * exceptional halt, HALT_OUT_OF_NATIVE, HALT_MISSING or HALT_BLOCK. */
enum precompile_id precompile_find(const struct stf_rules *rules, const struct addr *a);
enum stf_halt precompile_run(struct stf_block *b, struct stf_res *res, enum precompile_id id,
                             struct bytes input, struct ee_buf *buf, struct bytes *output);

/* ---- the frame driver: used by the bootloader ---- */

/* Why a frame was over before it began; its halt is HALT_REVERT then. */
enum frame_refusal { FRAME_TAKEN, FRAME_TOO_DEEP, FRAME_TOO_POOR, FRAME_NONCE_SPENT };
struct frame_outcome {
    enum stf_halt halt; /* HALT_STOP, HALT_REVERT, an exceptional halt, or tx-fatal */
    enum frame_refusal refusal;
    struct bytes output;
    struct addr created;
};
/* Runs to the end with *res as the frame's resources; on return *res is what is left (exceptional
 * halts leave gas 0). The top frame's effects are rolled back unless it ends with HALT_STOP. Value
 * is moved inside. For the top call of a transaction no gas is charged for reaching `to`; native
 * is (spec 10 §7.6: callee read and value transfer). */
struct frame_outcome frame_run_call(struct stf_block *b, struct stf_res *res,
                                    const struct ee_call_request *req);
/* Top-level deployment: the sender's nonce was already incremented, `nonce` is the old one (spec
 * 10 §4.2). */
struct frame_outcome frame_run_create(struct stf_block *b, struct stf_res *res,
                                      const struct addr *creator, uint64_t nonce,
                                      struct bytes initcode, const struct u256 *value);

/* ---- tracing ----
 * Of one transaction a tracer sees, in this order: for each frame one on_enter; for each opcode of it one on_step; when
 * its environment ran, one on_end; one on_exit. Frames of calls lie between two steps of their caller. Calls to
 * precompiles, hooks and accounts without code are frames as well (f->ee is NULL), and so are calls and creations that
 * were refused. Frames of depth 0 are the body's and, in L1 transactions, the mint's. What an opcode cost is the
 * difference to the frame's gas (f->res.gas, which stays current in frames below) at the next of these moments;
 * gas lent to a callee is in it. Any function may be NULL. */
struct stf_step { /* read-only view before an opcode */
    uint64_t pc, gas, native;
    uint8_t op;
    unsigned depth, stack_len;
    const struct u256 *stack; /* bottom first */
    struct bytes memory;
    struct bytes returndata; /* of the frame's last call */
    const struct ee_frame *frame;
    uint64_t refund;
};
struct stf_tracer {
    void *ctx;
    /* false: enough; the block is lost with STF_E_CANCELLED */
    bool (*on_step)(void *ctx, const struct stf_step *s);
    void (*on_enter)(void *ctx, const struct ee_frame *f, enum call_kind kind);
    /* f->halt, f->res and f->output as the environment left them: code is not deployed, nothing is undone or burnt yet */
    void (*on_end)(void *ctx, const struct ee_frame *f);
    void (*on_exit)(void *ctx, const struct ee_frame *f, const struct frame_outcome *o);
    /* These two are undone with the frame they happen in. */
    void (*on_event)(void *ctx, const struct stf_event *e);
    void (*on_destruct)(void *ctx, const struct addr *self, const struct addr *beneficiary,
                        const struct u256 *amount);
};

#endif
