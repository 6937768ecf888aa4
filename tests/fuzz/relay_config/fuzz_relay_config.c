/* A relayer's configuration file of any bytes: a configuration or an error with words; nothing is kept after clearing. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "node/cli/relay_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct relay_file f;
    char path[64];
    int fd = memfd_create("relay", MFD_CLOEXEC);
    if (fd < 0 || (len && write(fd, data, len) != (ssize_t)len))
        abort();
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    struct err err = { .kind = ERR_NONE };
    bool ok = relay_file_load(&f, path, &err);
    if (!ok && (err.kind == ERR_NONE || err.msg[0] == 0))
        abort();
    if (ok && (f.chain_cnt == 0 || f.cfg.route_cnt == 0 || f.data_dir[0] == 0))
        abort();
    relay_file_clear(&f);
    close(fd);
    return 0;
}
