/*
 * Replays a fuzz corpus without a fuzzer: every file of the folders given is
 * handed to LLVMFuzzerTestOneInput(), in a block of exactly its size, so that
 * the address sanitizer sees one byte too far.  Part of `make test`: an input
 * that once crashed a decoder stays a test.
 */


#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static int
driver_replay_file(const char *path)
{
    FILE         *f;
    size_t        size;
    uint8_t      *data;
    struct stat   st;

    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode)) {
        return 0;
    }

    f = fopen(path, "rb");
    if (f == NULL) {
        perror(path);
        exit(1);
    }

    size = (size_t) st.st_size;
    data = malloc(size ? size : 1);

    if (data == NULL || fread(data, 1, size, f) != size) {
        perror(path);
        exit(1);
    }

    fclose(f);

    (void) LLVMFuzzerTestOneInput(data, size);

    free(data);

    return 1;
}


static unsigned
driver_replay_folder(const char *folder)
{
    DIR            *dir;
    char            path[4096];
    unsigned        n;
    struct dirent  *entry;

    dir = opendir(folder);
    if (dir == NULL) {
        return 0;
    }

    n = 0;

    while ((entry = readdir(dir)) != NULL) {
        (void) snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        n += (unsigned) driver_replay_file(path);
    }

    (void) closedir(dir);

    return n;
}


int
main(int argc, char **argv)
{
    int       i;
    unsigned  n;

    for (i = 1; i < argc; i++) {
        n = driver_replay_folder(argv[i]);

        printf("%s: %u inputs replayed\n", argv[i], n);

        if (n == 0) {
            fprintf(stderr, "%s: no corpus\n", argv[i]);
            return 1;
        }
    }

    return 0;
}
