#include "node/net/ws_frame.h"

#include <string.h>

void ws_decoder_init(struct ws_decoder *d, size_t max_message)
{
    *d = (struct ws_decoder){ .max_message = max_message, .head_need = 2 };
    buf_init(&d->message, max_message);
}

void ws_decoder_clear(struct ws_decoder *d)
{
    buf_clear(&d->message);
}

bool ws_decoder_in_message(const struct ws_decoder *d)
{
    return !d->failed && (d->message_opcode != 0 || d->head_len > 0);
}

/* Codes that may stand in a close frame (RFC 6455 §7.4). */
static bool code_is_valid(unsigned code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

static enum ws_event fault(struct ws_decoder *d, uint16_t code, const char *problem)
{
    d->failed = true;
    d->code = code;
    d->problem = problem;
    return WS_FAULT;
}

/* Goes on with the text where the last call ended. */
static bool utf8_goes_on(struct ws_decoder *d, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t c = p[i];
        if (d->utf8_need) {
            if ((c & 0xc0) != 0x80)
                return false;
            d->utf8_code = d->utf8_code << 6 | (c & 0x3fu);
            if (--d->utf8_need == 0 && (d->utf8_code < d->utf8_min || d->utf8_code > 0x10ffff ||
                                        (d->utf8_code >= 0xd800 && d->utf8_code <= 0xdfff)))
                return false;
        } else if (c >= 0x80) {
            d->utf8_need = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
            d->utf8_min = c >= 0xf0 ? 0x10000 : c >= 0xe0 ? 0x800 : 0x80;
            d->utf8_code = c & (0x3fu >> d->utf8_need);
            if (c < 0xc2 || c > 0xf4)
                return false;
        }
    }
    return true;
}

static bool is_control(uint8_t opcode)
{
    return opcode >= WS_CLOSE;
}

static enum ws_event take_head(struct ws_decoder *d)
{
    const uint8_t *h = d->head;
    uint8_t len = h[1] & 0x7f, opcode = h[0] & 0x0f;
    size_t wide = len == 126 ? 2 : len == 127 ? 8 : 0;
    d->payload_len = len;
    if (wide) {
        d->payload_len = 0;
        for (size_t i = 0; i < wide; i++)
            d->payload_len = d->payload_len << 8 | h[2 + i];
    }
    d->fin = h[0] & 0x80;
    d->opcode = opcode;
    if (wide && (d->payload_len <= (wide == 2 ? 125u : 65535u) || d->payload_len >> 63))
        return fault(d, WS_PROTOCOL, "a length that is not written the shortest way");
    if (is_control(opcode)) {
        d->control_len = 0;
    } else {
        if ((opcode == WS_CONT) != (d->message_opcode != 0))
            return fault(d, WS_PROTOCOL,
                         opcode == WS_CONT ? "a continuation of nothing"
                                           : "a message inside another");
        if (d->payload_len > d->max_message - d->message.len)
            return fault(d, WS_TOO_BIG, "the message is too long");
        if (opcode != WS_CONT)
            d->message_opcode = opcode;
    }
    d->in_payload = true;
    d->at = 0;
    return WS_MORE;
}

/* What the first two bytes say alone; how many more make the head. */
static enum ws_event check_start(struct ws_decoder *d)
{
    uint8_t opcode = d->head[0] & 0x0f, len = d->head[1] & 0x7f;
    if (d->head[0] & 0x70)
        return fault(d, WS_PROTOCOL, "reserved bits are set");
    if ((opcode > WS_BINARY && opcode < WS_CLOSE) || opcode > WS_PONG)
        return fault(d, WS_PROTOCOL, "an opcode that does not exist");
    if (!(d->head[1] & 0x80))
        return fault(d, WS_PROTOCOL, "a frame that is not masked");
    if (is_control(opcode) && (len > 125 || !(d->head[0] & 0x80)))
        return fault(d, WS_PROTOCOL, "a control frame that is too long or not whole");
    d->head_need = 2 + (len == 126 ? 2u : len == 127 ? 8u : 0u) + 4;
    return WS_MORE;
}

static enum ws_event end_close(struct ws_decoder *d)
{
    d->failed = true; /* nothing follows */
    d->code = WS_NO_CODE;
    if (d->control_len == 0)
        return WS_GOT_CLOSE;
    unsigned code = d->control_len >= 2 ? (unsigned)d->control[0] << 8 | d->control[1] : 0;
    if (!code_is_valid(code))
        return fault(d, WS_PROTOCOL, "a close code that must not be sent");
    struct ws_decoder reason = { .utf8_need = 0 };
    if (!utf8_goes_on(&reason, d->control + 2, d->control_len - 2) || reason.utf8_need)
        return fault(d, WS_NOT_UTF8, "a close reason that is not UTF-8");
    d->code = (uint16_t)code;
    return WS_GOT_CLOSE;
}

static enum ws_event end_frame(struct ws_decoder *d)
{
    d->in_payload = false;
    d->head_len = 0;
    d->head_need = 2;
    if (d->opcode == WS_PING)
        return WS_GOT_PING;
    if (d->opcode == WS_PONG)
        return WS_GOT_PONG;
    if (d->opcode == WS_CLOSE)
        return end_close(d);
    if (!d->fin)
        return WS_MORE;
    if (d->message_opcode == WS_BINARY)
        return fault(d, WS_UNSUPPORTED, "a binary message");
    if (d->utf8_need)
        return fault(d, WS_NOT_UTF8, "a text that ends inside a character");
    d->message_opcode = 0;
    d->reset_next = true;
    return WS_MESSAGE;
}

static enum ws_event take_payload(struct ws_decoder *d, struct bytes in, size_t *used)
{
    uint64_t left = d->payload_len - d->at;
    size_t n = in.len < left ? in.len : (size_t)left;
    const uint8_t *mask = d->head + d->head_need - 4;
    uint8_t *to = is_control(d->opcode) ? d->control + d->at : buf_extend(&d->message, n);
    if (!to && n > 0)
        return fault(d, WS_INTERNAL, "out of memory");
    for (size_t i = 0; i < n; i++)
        to[i] = in.p[i] ^ mask[(d->at + i) & 3];
    d->at += n;
    *used += n;
    if (is_control(d->opcode))
        d->control_len = d->at;
    else if (d->message_opcode == WS_TEXT && !utf8_goes_on(d, to, n))
        return fault(d, WS_NOT_UTF8, "a text that is not UTF-8");
    return d->at == d->payload_len ? end_frame(d) : WS_MORE;
}

enum ws_event ws_decode(struct ws_decoder *d, struct bytes in, size_t *used)
{
    *used = 0;
    if (d->reset_next) {
        buf_reset(&d->message);
        d->reset_next = false;
    }
    while (!d->failed) {
        enum ws_event e = WS_MORE;
        if (d->in_payload) {
            if (*used == in.len && d->at < d->payload_len)
                return WS_MORE;
            e = take_payload(d, bytes_of(in.p + *used, in.len - *used), used);
        } else {
            if (*used == in.len)
                return WS_MORE;
            d->head[d->head_len++] = in.p[(*used)++];
            if (d->head_len == 2)
                e = check_start(d);
            else if (d->head_len == d->head_need)
                e = take_head(d);
        }
        if (e != WS_MORE)
            return e;
    }
    return WS_MORE;
}

size_t ws_frame_head(uint8_t out[WS_HEAD_MAX], enum ws_opcode opcode, uint64_t payload_len)
{
    out[0] = (uint8_t)(0x80 | opcode);
    if (payload_len <= 125) {
        out[1] = (uint8_t)payload_len;
        return 2;
    }
    if (payload_len <= 65535) {
        out[1] = 126;
        store_be16(out + 2, (uint16_t)payload_len);
        return 4;
    }
    out[1] = 127;
    store_be64(out + 2, payload_len);
    return 10;
}
