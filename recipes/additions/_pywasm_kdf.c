/* hashlib.pbkdf2_hmac and hashlib.scrypt, which CPython takes from OpenSSL.

   PBKDF2 is defined in RFC 8018, section 5.2, and scrypt in RFC 7914. The hash functions are those of
   HACL*, which CPython bundles: this file calls their functions for whole blocks, so that the state
   after the first block of an HMAC is computed once per key. Arguments and errors are those of
   CPython's _hashopenssl.c. */

#include "Python.h"

#include <limits.h>
#include <string.h>

#include "_hacl/internal/Hacl_Hash_SHA1.h"
#include "_hacl/internal/Hacl_Hash_SHA2.h"

#if PY_BIG_ENDIAN
#  error "Salsa20 is implemented for little-endian machines"
#endif

#define MAX_BLOCK 128
#define MAX_DIGEST 64

typedef union {
    uint32_t words[8];
    uint64_t long_words[8];
} State;

typedef struct {
    const char *name;
    /* Sizes in bytes: of a block, the digest, and the length at the end of the last block. */
    size_t block, digest, length;
    void (*init)(State *state);
    /* Processes whole blocks. */
    void (*update)(State *state, uint8_t *data, uint32_t size);
    void (*finish)(State *state, uint8_t *digest);
} Hash;

static void sha1_init(State *s) { Hacl_Hash_SHA1_init(s->words); }
static void sha1_update(State *s, uint8_t *data, uint32_t size) {
    Hacl_Hash_SHA1_update_multi(s->words, data, size / 64);
}
static void sha1_finish(State *s, uint8_t *digest) { Hacl_Hash_SHA1_finish(s->words, digest); }

static void sha224_init(State *s) { Hacl_Hash_SHA2_sha224_init(s->words); }
static void sha224_finish(State *s, uint8_t *digest) { Hacl_Hash_SHA2_sha224_finish(s->words, digest); }
static void sha256_init(State *s) { Hacl_Hash_SHA2_sha256_init(s->words); }
static void sha256_update(State *s, uint8_t *data, uint32_t size) {
    Hacl_Hash_SHA2_sha256_update_nblocks(size, data, s->words);
}
static void sha256_finish(State *s, uint8_t *digest) { Hacl_Hash_SHA2_sha256_finish(s->words, digest); }

static void sha384_init(State *s) { Hacl_Hash_SHA2_sha384_init(s->long_words); }
static void sha384_finish(State *s, uint8_t *digest) {
    Hacl_Hash_SHA2_sha384_finish(s->long_words, digest);
}
static void sha512_init(State *s) { Hacl_Hash_SHA2_sha512_init(s->long_words); }
static void sha512_update(State *s, uint8_t *data, uint32_t size) {
    Hacl_Hash_SHA2_sha512_update_nblocks(size, data, s->long_words);
}
static void sha512_finish(State *s, uint8_t *digest) {
    Hacl_Hash_SHA2_sha512_finish(s->long_words, digest);
}

/* SHA-224 and SHA-384 differ from SHA-256 and SHA-512 only at the start and at the end. */
static const Hash HASHES[] = {
    {"sha1", 64, 20, 8, sha1_init, sha1_update, sha1_finish},
    {"sha224", 64, 28, 8, sha224_init, sha256_update, sha224_finish},
    {"sha256", 64, 32, 8, sha256_init, sha256_update, sha256_finish},
    {"sha384", 128, 48, 16, sha384_init, sha512_update, sha384_finish},
    {"sha512", 128, 64, 16, sha512_init, sha512_update, sha512_finish},
};

/* An HMAC key: the states after the first block of the inner and the outer hash. */
typedef struct {
    const Hash *hash;
    State inner, outer;
} Key;

/* Hashes the rest of a message, of which `before` bytes have been hashed. The state is used up. */
static void hash_rest(const Hash *hash, State *state, size_t before, const uint8_t *data, size_t size,
                      uint8_t *digest) {
    uint8_t last[2 * MAX_BLOCK] = {0};
    size_t rest = size % hash->block;
    size_t padded = rest + 1 + hash->length <= hash->block ? hash->block : 2 * hash->block;
    uint64_t bits = 8 * ((uint64_t)before + size);

    hash->update(state, (uint8_t *)data, (uint32_t)(size - rest));
    memcpy(last, data + size - rest, rest);
    last[rest] = 0x80;
    for (size_t i = 0; i < 8; i++)
        last[padded - 1 - i] = (uint8_t)(bits >> (8 * i));
    hash->update(state, last, (uint32_t)padded);
    hash->finish(state, digest);
}

static void set_key(Key *key, const Hash *hash, const uint8_t *secret, size_t size) {
    uint8_t block[MAX_BLOCK] = {0};
    State state;

    key->hash = hash;
    if (size > hash->block) {
        hash->init(&state);
        hash_rest(hash, &state, 0, secret, size, block);
    } else {
        memcpy(block, secret, size);
    }
    for (size_t i = 0; i < hash->block; i++)
        block[i] ^= 0x36;
    hash->init(&key->inner);
    hash->update(&key->inner, block, (uint32_t)hash->block);
    for (size_t i = 0; i < hash->block; i++)
        block[i] ^= 0x36 ^ 0x5c;
    hash->init(&key->outer);
    hash->update(&key->outer, block, (uint32_t)hash->block);
}

static void hmac(const Key *key, const uint8_t *message, size_t size, uint8_t *digest) {
    State inner = key->inner, outer = key->outer;

    hash_rest(key->hash, &inner, key->hash->block, message, size, digest);
    hash_rest(key->hash, &outer, key->hash->block, digest, key->hash->digest, digest);
}

/* Returns 0, or -1 if there is not enough memory. */
static int pbkdf2(const Key *key, const uint8_t *salt, size_t salt_size, unsigned long iterations,
                  uint8_t *result, size_t size) {
    size_t digest = key->hash->digest;
    uint8_t u[MAX_DIGEST], t[MAX_DIGEST];
    uint8_t *message = PyMem_RawMalloc(salt_size + 4);

    if (message == NULL)
        return -1;
    memcpy(message, salt, salt_size);
    for (uint32_t number = 1; size > 0; number++) {
        size_t part = size < digest ? size : digest;

        for (size_t i = 0; i < 4; i++)
            message[salt_size + i] = (uint8_t)(number >> (24 - 8 * i));
        hmac(key, message, salt_size + 4, u);
        memcpy(t, u, digest);
        for (unsigned long count = 1; count < iterations; count++) {
            hmac(key, u, digest, u);
            for (size_t i = 0; i < digest; i++)
                t[i] ^= u[i];
        }
        memcpy(result, t, part);
        result += part;
        size -= part;
    }
    PyMem_RawFree(message);
    return 0;
}

#define ROTATE(x, n) (((x) << (n)) | ((x) >> (32 - (n))))
#define QUARTER(a, b, c, d) \
    x[b] ^= ROTATE(x[a] + x[d], 7); \
    x[c] ^= ROTATE(x[b] + x[a], 9); \
    x[d] ^= ROTATE(x[c] + x[b], 13); \
    x[a] ^= ROTATE(x[d] + x[c], 18)

static void salsa20_8(uint32_t block[16]) {
    uint32_t x[16];

    memcpy(x, block, sizeof(x));
    for (int round = 0; round < 8; round += 2) {
        QUARTER(0, 4, 8, 12);
        QUARTER(5, 9, 13, 1);
        QUARTER(10, 14, 2, 6);
        QUARTER(15, 3, 7, 11);
        QUARTER(0, 1, 2, 3);
        QUARTER(5, 6, 7, 4);
        QUARTER(10, 11, 8, 9);
        QUARTER(15, 12, 13, 14);
    }
    for (int i = 0; i < 16; i++)
        block[i] += x[i];
}

/* scryptBlockMix: `from` and `to` have 2 * r blocks of 16 words. */
static void block_mix(const uint32_t *from, uint32_t *to, size_t r) {
    uint32_t x[16];

    memcpy(x, from + (2 * r - 1) * 16, sizeof(x));
    for (size_t i = 0; i < 2 * r; i++) {
        for (int j = 0; j < 16; j++)
            x[j] ^= from[i * 16 + j];
        salsa20_8(x);
        memcpy(to + (i / 2 + (i & 1) * r) * 16, x, sizeof(x));
    }
}

/* scryptROMix: `v` has room for n + 1 arrays of 32 * r words. */
static void ro_mix(uint32_t *block, size_t n, size_t r, uint32_t *v) {
    size_t words = 32 * r;
    uint32_t *scratch = v + n * words;

    for (size_t i = 0; i < n; i++) {
        memcpy(v + i * words, block, words * 4);
        block_mix(v + i * words, block, r);
    }
    for (size_t i = 0; i < n; i++) {
        const uint32_t *chosen = v + (block[words - 16] & (n - 1)) * words;

        for (size_t j = 0; j < words; j++)
            scratch[j] = block[j] ^ chosen[j];
        block_mix(scratch, block, r);
    }
}

static PyObject *kdf_pbkdf2_hmac(PyObject *module, PyObject *args, PyObject *keywords) {
    static char *names[] = {"hash_name", "password", "salt", "iterations", "dklen", NULL};
    const char *name;
    Py_buffer password, salt;
    long iterations, size;
    PyObject *dklen = Py_None, *result = NULL;
    const Hash *hash = NULL;
    Key key;

    if (!PyArg_ParseTupleAndKeywords(args, keywords, "sy*y*l|O:pbkdf2_hmac", names, &name, &password,
                                     &salt, &iterations, &dklen))
        return NULL;
    for (size_t i = 0; i < Py_ARRAY_LENGTH(HASHES); i++) {
        if (strcmp(HASHES[i].name, name) == 0)
            hash = &HASHES[i];
    }
    if (hash == NULL) {
        PyErr_Format(PyExc_ValueError, "unsupported hash type %s", name);
        goto done;
    }
    if (password.len > INT_MAX || salt.len > INT_MAX - 4) {
        PyErr_SetString(PyExc_OverflowError, "password or salt is too long.");
        goto done;
    }
    if (iterations < 1) {
        PyErr_SetString(PyExc_ValueError, "iteration value must be greater than 0.");
        goto done;
    }
    size = dklen == Py_None ? (long)hash->digest : PyLong_AsLong(dklen);
    if (size == -1 && PyErr_Occurred())
        goto done;
    if (size < 1) {
        PyErr_SetString(PyExc_ValueError, "key length must be greater than 0.");
        goto done;
    }
    result = PyBytes_FromStringAndSize(NULL, size);
    if (result == NULL)
        goto done;
    set_key(&key, hash, password.buf, (size_t)password.len);
    if (pbkdf2(&key, salt.buf, (size_t)salt.len, (unsigned long)iterations,
               (uint8_t *)PyBytes_AS_STRING(result), (size_t)size) < 0) {
        Py_CLEAR(result);
        PyErr_NoMemory();
    }
    explicit_bzero(&key, sizeof(key));
done:
    PyBuffer_Release(&password);
    PyBuffer_Release(&salt);
    return result;
}

/* Returns the parameters' need for memory in bytes, or 0 if they are invalid. */
static uint64_t scrypt_memory(uint64_t n, uint64_t r, uint64_t p) {
    if (n < 2 || (n & (n - 1)) != 0 || r < 1 || p < 1 || p > ((1 << 30) - 1) / r ||
        r > SIZE_MAX / 128 / (n + 1))
        return 0;
    /* The blocks of all lanes, and the array of one lane. RFC 7914 limits n to 2 ** (128 * r / 8). */
    if (r == 1 && n > 1 << 15)
        return 0;
    return 128 * r * p + 128 * r * (n + 1);
}

static PyObject *kdf_scrypt(PyObject *module, PyObject *args, PyObject *keywords) {
    static char *names[] = {"", "salt", "n", "r", "p", "maxmem", "dklen", NULL};
    static const uint64_t default_maxmem = 32 * 1024 * 1024;
    Py_buffer password = {0}, salt = {0};
    PyObject *objects[3] = {NULL, NULL, NULL};
    unsigned long numbers[3], n, r, p;
    long maxmem = 0, dklen = 64;
    uint64_t memory;
    PyObject *result = NULL;
    uint32_t *blocks = NULL;
    Key key;

    if (!PyArg_ParseTupleAndKeywords(args, keywords, "y*|$y*OOOll:scrypt", names, &password, &salt,
                                     &objects[0], &objects[1], &objects[2], &maxmem, &dklen))
        return NULL;
    if (salt.obj == NULL || objects[0] == NULL || objects[1] == NULL || objects[2] == NULL) {
        PyErr_SetString(PyExc_TypeError, "scrypt() needs the arguments 'salt', 'n', 'r' and 'p'");
        goto done;
    }
    for (int i = 0; i < 3; i++) {
        int overflow;
        long number = PyLong_AsLongAndOverflow(objects[i], &overflow);
        if (number == -1 && PyErr_Occurred())
            goto done;
        if (overflow < 0 || (overflow == 0 && number < 0)) {
            PyErr_SetString(PyExc_ValueError, "n, r and p must be positive.");
            goto done;
        }
        numbers[i] = PyLong_AsUnsignedLong(objects[i]);
        if (numbers[i] == (unsigned long)-1 && PyErr_Occurred())
            goto done;
    }
    n = numbers[0];
    r = numbers[1];
    p = numbers[2];
    if (password.len > INT_MAX || salt.len > INT_MAX - 4) {
        PyErr_SetString(PyExc_OverflowError, "password or salt is too long.");
        goto done;
    }
    if (n < 2 || n & (n - 1)) {
        PyErr_SetString(PyExc_ValueError, "n must be a power of 2.");
        goto done;
    }
    if (maxmem < 0) {
        PyErr_Format(PyExc_ValueError, "maxmem must be positive and smaller than %d", INT_MAX);
        goto done;
    }
    if (dklen < 1) {
        PyErr_Format(PyExc_ValueError, "dklen must be greater than 0 and smaller than %d", INT_MAX);
        goto done;
    }
    memory = scrypt_memory(n, r, p);
    if (memory == 0 || memory > (maxmem > 0 ? (uint64_t)maxmem : default_maxmem)) {
        PyErr_SetString(PyExc_ValueError, "Invalid parameter combination for n, r, p, maxmem.");
        goto done;
    }
    blocks = PyMem_RawMalloc((size_t)memory);
    if (blocks == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    set_key(&key, &HASHES[2], password.buf, (size_t)password.len);
    if (pbkdf2(&key, salt.buf, (size_t)salt.len, 1, (uint8_t *)blocks, 128 * r * p) < 0) {
        PyErr_NoMemory();
        goto done;
    }
    for (size_t lane = 0; lane < p; lane++)
        ro_mix(blocks + lane * 32 * r, n, r, blocks + p * 32 * r);
    result = PyBytes_FromStringAndSize(NULL, dklen);
    if (result != NULL && pbkdf2(&key, (uint8_t *)blocks, 128 * r * p, 1,
                                 (uint8_t *)PyBytes_AS_STRING(result), (size_t)dklen) < 0) {
        Py_CLEAR(result);
        PyErr_NoMemory();
    }
    explicit_bzero(&key, sizeof(key));
    explicit_bzero(blocks, 128 * r * p);
done:
    PyMem_RawFree(blocks);
    PyBuffer_Release(&password);
    PyBuffer_Release(&salt);
    return result;
}

static PyMethodDef METHODS[] = {
    {"pbkdf2_hmac", (PyCFunction)(void (*)(void))kdf_pbkdf2_hmac, METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("Password based key derivation function 2 (PKCS #5 v2.0) with HMAC as pseudorandom function.")},
    {"scrypt", (PyCFunction)(void (*)(void))kdf_scrypt, METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("scrypt password-based key derivation function.")},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot SLOTS[] = {
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
    {0, NULL},
};

static struct PyModuleDef MODULE = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_pywasm_kdf",
    .m_methods = METHODS,
    .m_slots = SLOTS,
};

PyMODINIT_FUNC PyInit__pywasm_kdf(void) {
    return PyModuleDef_Init(&MODULE);
}
