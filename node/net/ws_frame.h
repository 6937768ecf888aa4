/* node/net/ws_frame.h
 *
 * WebSocket frames of a client (RFC 6455 §5), taken apart as bytes come in. Total: any bytes give events or one fault, with the close code
 * the RFC has for it. Strict: frames must be masked, lengths shortest, reserved bits and codes unused, control frames whole and small, text
 * UTF-8 at every point. */
#ifndef GH_NET_WS_FRAME_H
#define GH_NET_WS_FRAME_H

#include "node/base/buf.h"

enum ws_code { /* of closing */
               WS_NORMAL = 1000,
               WS_GOING_AWAY = 1001,
               WS_PROTOCOL = 1002,
               WS_UNSUPPORTED = 1003,
               WS_NO_CODE = 1005, /* never on the wire: a close frame without one */
               WS_NOT_UTF8 = 1007,
               WS_POLICY = 1008,
               WS_TOO_BIG = 1009,
               WS_INTERNAL = 1011,
               WS_TRY_LATER = 1013,
};
enum ws_opcode { WS_CONT = 0, WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };
enum ws_event { WS_MORE, WS_MESSAGE, WS_GOT_PING, WS_GOT_PONG, WS_GOT_CLOSE, WS_FAULT };

struct ws_decoder {
    size_t max_message;
    struct buf message;   /* of the message in work; whole at WS_MESSAGE, until the next call */
    uint8_t control[125]; /* payload of the last control frame */
    size_t control_len;
    uint16_t code;       /* WS_GOT_CLOSE: the client's; WS_FAULT: ours */
    const char *problem; /* WS_FAULT */
    /* inside */
    uint8_t head[14], opcode, message_opcode;
    size_t head_len, head_need, at; /* at: bytes of the payload so far */
    uint64_t payload_len;
    bool fin, in_payload, reset_next, failed;
    uint32_t utf8_need, utf8_min, utf8_code;
};
void ws_decoder_init(struct ws_decoder *d, size_t max_message);
void ws_decoder_clear(struct ws_decoder *d);
/* Takes bytes from `in` until there is an event; *used of them. After WS_FAULT and WS_GOT_CLOSE nothing more is taken. */
enum ws_event ws_decode(struct ws_decoder *d, struct bytes in, size_t *used);
/* Some of a message, or of a frame, has come and not the rest. */
bool ws_decoder_in_message(const struct ws_decoder *d);

#define WS_HEAD_MAX 10u
/* Head of an unmasked, whole frame of a server. Returns its length. */
size_t ws_frame_head(uint8_t out[WS_HEAD_MAX], enum ws_opcode opcode, uint64_t payload_len);

#endif
