/* A profile runtime for code that clang instrumented (-fprofile-instr-generate). LLVM's own runtime does not
   support wasm. At exit, the counts are written to the file named by PYWASM_COUNTS, from which `cargo xtask train`
   reads:

     six addresses of 32 bits: begin and end of records, counters, names
     the contents of these three sections
     for each value seen at a site: indices of record and site (32 bits each), value and count (64 bits each)

   The layout of records and the names of sections and functions are those of LLVM 22: InstrProfData.inc and
   compiler-rt's InstrProfilingValue.c. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct record {
    uint64_t name, hash;
    uint32_t counters, bitmap, function, values, counter_count;
    uint16_t site_count[3];
    uint32_t bitmap_bytes;
};

extern struct record __start___llvm_prf_data[], __stop___llvm_prf_data[];
extern char __start___llvm_prf_cnts[], __stop___llvm_prf_cnts[];
extern char __start___llvm_prf_names[], __stop___llvm_prf_names[];

/* Instrumented code refers to this symbol to make the linker include the runtime. */
int __llvm_profile_runtime = 0;

/* The number of distinct values kept per site; LLVM promotes three at most. */
#define MAX_VALUES 24

struct value {
    uint64_t value, count;
    struct value *next;
};

/* The list of values seen at each site, by record and site. */
static struct value ***seen;

static uint32_t sites(const struct record *record) {
    return (uint32_t)record->site_count[0] + record->site_count[1] + record->site_count[2];
}

static void *zeroed(size_t count, size_t size) {
    void *memory = calloc(count, size);
    if (memory == NULL) {
        abort();
    }
    return memory;
}

/* Called before an indirect call, with its target: the function's index in the wasm table. */
void __llvm_profile_instrument_target(uint64_t target, void *data, uint32_t site) {
    struct record *record = data;
    size_t at = record - __start___llvm_prf_data;
    if (seen == NULL) {
        seen = zeroed(__stop___llvm_prf_data - __start___llvm_prf_data, sizeof *seen);
    }
    if (seen[at] == NULL) {
        seen[at] = zeroed(sites(record), sizeof **seen);
    }
    struct value **next = &seen[at][site];
    for (int known = 0; *next != NULL; next = &(*next)->next, known++) {
        if ((*next)->value == target) {
            (*next)->count++;
            return;
        }
        if (known == MAX_VALUES) {
            return;
        }
    }
    *next = zeroed(1, sizeof **next);
    (*next)->value = target;
    (*next)->count = 1;
}

/* Called with the sizes that memcpy and memset get. They are not recorded. */
void __llvm_profile_instrument_memop(uint64_t size, void *data, uint32_t site) {
    (void)size, (void)data, (void)site;
}

static void write_values(FILE *file) {
    size_t count = __stop___llvm_prf_data - __start___llvm_prf_data;
    for (uint32_t at = 0; seen != NULL && at < count; at++) {
        for (uint32_t site = 0; seen[at] != NULL && site < sites(__start___llvm_prf_data + at); site++) {
            for (struct value *value = seen[at][site]; value != NULL; value = value->next) {
                uint32_t place[2] = {at, site};
                uint64_t what[2] = {value->value, value->count};
                fwrite(place, sizeof place, 1, file);
                fwrite(what, sizeof what, 1, file);
            }
        }
    }
}

static void write_counts(void) {
    const char *path = getenv("PYWASM_COUNTS");
    if (path == NULL) {
        return;
    }
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        perror(path);
        return;
    }
    const char *bounds[6] = {(char *)__start___llvm_prf_data, (char *)__stop___llvm_prf_data,
                             __start___llvm_prf_cnts,         __stop___llvm_prf_cnts,
                             __start___llvm_prf_names,        __stop___llvm_prf_names};
    fwrite(bounds, sizeof bounds, 1, file);
    for (int section = 0; section < 6; section += 2) {
        fwrite(bounds[section], bounds[section + 1] - bounds[section], 1, file);
    }
    write_values(file);
    if (fclose(file) != 0) {
        perror(path);
    }
}

__attribute__((constructor)) static void count(void) { atexit(write_counts); }
