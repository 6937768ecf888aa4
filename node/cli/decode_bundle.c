/* node/cli/decode_bundle.c */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interop/bundle.h"
#include "node/base/hex.h"
#include "node/cli/cli.h"

#define INPUT_MAX (2u * (2u * BUNDLE_MAX_LEN) + 1024u) /* hexadecimal text */

static const char usage[] = "usage: gatehouse decode-bundle [--json] HEX\n"
                            "\n"
                            "Shows what a bundle of calls between chains holds, who may execute "
                            "it, and its hash. HEX is a message of the\n"
                            "InteropCenter, a bundle, calldata of the InteropHandler, or the data "
                            "of an InteropBundleSent event; \"-\" reads\n"
                            "it from the standard input.\n"
                            "\n"
                            "  --json  one JSON object\n";

/* The text without white space; NULL: too long or no memory. Freed by the caller. */
static char *read_stdin(size_t *len)
{
    char *text = malloc(INPUT_MAX);
    int c;
    *len = 0;
    while (text && (c = getchar()) != EOF) {
        if (isspace(c))
            continue;
        if (*len == INPUT_MAX) {
            free(text);
            return NULL;
        }
        text[(*len)++] = (char)c;
    }
    return text;
}

static int show(const char *text, size_t len, bool json)
{
    struct err err = { .kind = ERR_NONE };
    struct arena arena;
    struct bundle bundle;
    struct buf out;
    size_t n = 0, cap = len / 2 + 1;
    uint8_t *raw = malloc(cap);
    bool ok = raw && hex_decode(raw, cap, &n, text, len);
    if (!ok)
        err_set(&err, ERR_INVALID, "the argument is not hexadecimal");
    arena_init_growing(&arena, 64u << 10, 256u << 20);
    buf_init(&out, 64u << 20);
    ok = ok && bundle_from_any(bytes_of(raw, n), &bundle, &arena, &err);
    if (ok) {
        if (json)
            bundle_write_json(&out, &bundle);
        else
            bundle_write_text(&out, &bundle);
        if (json)
            buf_append_str(&out, "\n");
        ok = !out.failed || err_set(&err, ERR_LOCAL, "out of memory");
    }
    if (ok)
        fwrite(out.p, 1, out.len, stdout);
    else
        fprintf(stderr, "gatehouse decode-bundle: %s\n", err.msg);
    buf_clear(&out);
    arena_clear(&arena);
    free(raw);
    return ok ? 0 : 1;
}

int cli_decode_bundle(int argc, char **argv)
{
    const char *text;
    bool json;
    int code = cli_one_value(&text, &json, "decode-bundle", usage, argc, argv);
    if (code >= 0)
        return code;
    if (strcmp(text, "-") != 0)
        return show(text, strlen(text), json);
    size_t len;
    char *input = read_stdin(&len);
    if (!input) {
        fprintf(stderr, "gatehouse decode-bundle: the input is too long\n");
        return 1;
    }
    code = show(input, len, json);
    free(input);
    return code;
}
