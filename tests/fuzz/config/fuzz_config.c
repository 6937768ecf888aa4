/* A configuration file of any bytes: an error in words, or a configuration that prints and reads back as itself. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "node/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool load(struct config *c, const void *text, size_t len, struct err *err)
{
    char path[64];
    struct buf warnings;
    int fd = memfd_create("config", MFD_CLOEXEC);
    if (fd < 0 || write(fd, text, len) != (ssize_t)len)
        abort();
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    const char *files[] = { path };
    struct config_sources src = { .files = files, .file_cnt = 1, .allow_unknown = true };
    buf_init(&warnings, 1 << 20);
    bool ok = config_load(c, &src, &warnings, err);
    buf_clear(&warnings);
    close(fd);
    return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct config a, b;
    struct err err = { .kind = ERR_NONE };
    struct buf text, again;
    if (!load(&a, data, len, &err)) {
        if (err.kind == ERR_NONE || !err.msg[0])
            abort();
        return 0;
    }
    buf_init(&text, 1 << 20);
    buf_init(&again, 1 << 20);
    if (!config_print(&text, &a))
        abort();
    /* keys and the hidden parts of URLs do not read back */
    if (!memmem(text.p, text.len, "***", 3)) {
        if (!load(&b, text.p, text.len, &err) || !config_print(&again, &b) ||
            text.len != again.len || memcmp(text.p, again.p, text.len) != 0)
            abort();
    }
    buf_clear(&text);
    buf_clear(&again);
    return 0;
}
