/* tests/fuzz/ws_frame/fuzz_ws_frame.c
 *
 * Any bytes as the frames of a client, whole and byte by byte: the same events with the same content either way, and nothing after a fault. */
#include <stdlib.h>

#include "node/net/ws_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct trace {
    uint64_t hash;
    size_t events;
};

static void note(struct trace *t, const void *p, size_t n)
{
    const uint8_t *b = p;
    for (size_t i = 0; i < n; i++)
        t->hash = (t->hash ^ b[i]) * 1099511628211u;
}

static struct trace run(const uint8_t *data, size_t len, size_t step)
{
    struct ws_decoder d;
    struct trace t = { 14695981039346656037u, 0 };
    ws_decoder_init(&d, 4096);
    for (size_t at = 0; at < len;) {
        size_t used, n = len - at < step ? len - at : step;
        enum ws_event e = ws_decode(&d, bytes_of(data + at, n), &used);
        at += used;
        if (e == WS_MORE && used < n)
            break; /* it is over */
        if (e == WS_MORE)
            continue;
        t.events++;
        note(&t, &e, sizeof(e));
        if (e == WS_MESSAGE)
            note(&t, d.message.p, d.message.len);
        else if (e == WS_GOT_PING || e == WS_GOT_PONG)
            note(&t, d.control, d.control_len);
        else
            note(&t, &d.code, sizeof(d.code));
        if (d.message.len > 4096 || d.control_len > 125)
            abort();
    }
    ws_decoder_clear(&d);
    return t;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct trace whole = run(data, len, len ? len : 1), slow = run(data, len, 1);
    if (whole.hash != slow.hash || whole.events != slow.events)
        abort();
    return 0;
}
