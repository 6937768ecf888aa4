/* tests/fuzz/replay.c
 *
 * Runs a fuzz target over files and folders named on the command line: the regression half of fuzzing,
 * for compilers and machines without libFuzzer. An empty or missing corpus is an error, so a test cannot pass by running nothing. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static unsigned replayed;

static int replay_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f) {
        perror(path);
        return 1;
    }
    size_t cap = 1 << 20, len = 0;
    uint8_t *data = malloc(cap);
    if (data)
        len = fread(data, 1, cap, f);
    fclose(f);
    if (!data)
        return 1;
    /* exact-size copy, so that the sanitizer sees an overread by one */
    uint8_t *exact = malloc(len ? len : 1);
    if (exact) {
        for (size_t i = 0; i < len; i++)
            exact[i] = data[i];
        (void)LLVMFuzzerTestOneInput(exact, len);
        replayed++;
    }
    free(exact);
    free(data);
    return 0;
}

static int replay_path(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        perror(path);
        return 1;
    }
    if (!S_ISDIR(st.st_mode))
        return replay_file(path);
    DIR *d = opendir(path);
    if (!d) {
        perror(path);
        return 1;
    }
    int bad = 0;
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        if (e->d_name[0] == '.')
            continue;
        char sub[4096];
        snprintf(sub, sizeof(sub), "%s/%s", path, e->d_name);
        bad |= replay_file(sub);
    }
    closedir(d);
    return bad;
}

int main(int argc, char **argv)
{
    int bad = 0;
    for (int i = 1; i < argc; i++)
        bad |= replay_path(argv[i]);
    printf("%u inputs replayed\n", replayed);
    return bad || replayed == 0;
}
