/* Greedy decoding with ONNX Runtime's C API: main ONNXRUNTIME_LIBRARY MODEL IDS COUNT [OPERATOR_LIBRARY]
 *
 * Prints the COUNT ids that follow IDS (separated by commas). With onnxruntime_c_api.h at hand, write api->Run(...) where this file, which
 * is meant to build without it, says SLOT(9, ...): the C API is a table of functions whose order never changes.
 *
 * Build: cc -O2 main.c -ldl -o main
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_INPUTS = 1024, MAX_IDS = 65536, INT64 = 7, FLOAT = 1 };

struct OrtApiBase { void **(*GetApi)(uint32_t version); const char *(*GetVersionString)(void); };
static void **api;

/* Calls slot N, whose parameters have the given types, and stops with ONNX Runtime's own message when it fails. */
#define SLOT(n, types, ...) check(((void *(*) types)api[n])(__VA_ARGS__))

static void check(void *status)
{
    if (!status) return;
    fprintf(stderr, "%s\n", ((const char *(*)(void *))api[2])(status)); /* GetErrorMessage */
    exit(1);
}

static void *require(void *p, const char *sentence)
{
    if (!p) { fprintf(stderr, "%s\n", sentence); exit(1); }
    return p;
}

static void *tensor(void *memory, void *data, size_t bytes, const int64_t *shape, size_t rank, int type)
{
    void *value;
    SLOT(49, (void *, void *, size_t, const int64_t *, size_t, int, void **), memory, data, bytes, shape, rank, type, &value);
    return value;
}

int main(int argc, char **argv)
{
    if (argc < 5) { fprintf(stderr, "main ONNXRUNTIME_LIBRARY MODEL IDS COUNT [OPERATOR_LIBRARY]\n"); return 2; }
    void *library = require(dlopen(argv[1], RTLD_NOW | RTLD_LOCAL), "The ONNX Runtime library cannot be loaded.");
    struct OrtApiBase *(*base)(void) = (struct OrtApiBase * (*)(void)) dlsym(library, "OrtGetApiBase");
    require((void *)base, "The library is not ONNX Runtime.");
    api = require(base()->GetApi(23), "ONNX Runtime 1.23 or newer is needed.");

    void *env, *options, *session, *allocator, *memory;
    SLOT(3, (int, const char *, void **), 3, "sample", &env);                                    /* CreateEnv */
    SLOT(10, (void **), &options);                                                               /* CreateSessionOptions */
    if (argc > 5) SLOT(228, (void *, const char *), options, argv[5]);                           /* RegisterCustomOpsLibrary_V2 */
    SLOT(7, (void *, const char *, void *, void **), env, argv[2], options, &session);           /* CreateSession */
    SLOT(78, (void **), &allocator);                                                             /* GetAllocatorWithDefaultOptions */
    SLOT(69, (int, int, void **), 0, 0, &memory);                                                /* CreateCpuMemoryInfo */

    /* Every input is one of three about the new tokens, or a past tensor [batch, heads, past, head size] with its present twin. */
    size_t inputs;
    static char *names[MAX_INPUTS], present[MAX_INPUTS][256];
    static const char *wanted[MAX_INPUTS];
    static void *values[MAX_INPUTS], *results[MAX_INPUTS];
    SLOT(30, (void *, size_t *), session, &inputs);                                              /* SessionGetInputCount */
    require(inputs < MAX_INPUTS ? names : NULL, "The model has too many inputs.");
    for (size_t i = 0; i < inputs; i++) {
        SLOT(36, (void *, size_t, void *, char **), session, i, allocator, &names[i]);           /* SessionGetInputName */
        if (strncmp(names[i], "past_key_values.", 16) != 0) continue;
        snprintf(present[i], sizeof present[i], "present.%s", names[i] + 16);
        void *type, *info;
        int64_t shape[4];
        SLOT(33, (void *, size_t, void **), session, i, &type);                                  /* SessionGetInputTypeInfo */
        SLOT(55, (void *, void **), type, &info);                                                /* CastTypeInfoToTensorInfo */
        SLOT(62, (void *, int64_t *, size_t), info, shape, 4);                                   /* GetDimensions */
        shape[0] = 1, shape[2] = 0;
        values[i] = tensor(memory, names[i], 0, shape, 4, FLOAT);
    }

    static int64_t chunk[MAX_IDS], positions[MAX_IDS], mask[MAX_IDS];
    int64_t length = 0, past = 0, count = atoi(argv[4]);
    for (char *id = strtok(argv[3], ","); id && length < MAX_IDS; id = strtok(NULL, ",")) chunk[length++] = atoll(id);
    require(length + count < MAX_IDS ? chunk : NULL, "Too many ids.");
    for (int64_t i = 0; i < MAX_IDS; i++) mask[i] = 1;

    for (int64_t done = 0; done < count; done++) {
        size_t outputs = 0;
        wanted[outputs++] = "logits";
        for (int64_t i = 0; i < length; i++) positions[i] = past + i;
        const int64_t now[2] = {1, length}, all[2] = {1, past + length};
        for (size_t i = 0; i < inputs; i++) {
            if (present[i][0]) wanted[outputs++] = present[i];
            else if (!strcmp(names[i], "input_ids")) values[i] = tensor(memory, chunk, length * 8, now, 2, INT64);
            else if (!strcmp(names[i], "position_ids")) values[i] = tensor(memory, positions, length * 8, now, 2, INT64);
            else if (!strcmp(names[i], "attention_mask")) values[i] = tensor(memory, mask, (past + length) * 8, all, 2, INT64);
            else require(NULL, "The model has an input that this sample does not know.");
        }
        memset(results, 0, sizeof results);
        SLOT(9, (void *, void *, char **, void **, size_t, const char **, size_t, void **),      /* Run */
             session, NULL, names, values, inputs, wanted, outputs, results);

        void *info, *data;
        int64_t shape[3];
        SLOT(65, (void *, void **), results[0], &info);                                          /* GetTensorTypeAndShape */
        SLOT(62, (void *, int64_t *, size_t), info, shape, 3);                                   /* GetDimensions */
        SLOT(51, (void *, void **), results[0], &data);                                          /* GetTensorMutableData */
        const float *row = (const float *)data + (shape[1] - 1) * shape[2];
        int64_t best = 0;
        for (int64_t v = 1; v < shape[2]; v++) if (row[v] > row[best]) best = v;
        printf(done ? ",%lld" : "%lld", (long long)best);

        void (*release)(void *) = (void (*)(void *))api[96];                                     /* ReleaseValue */
        release(results[0]);
        for (size_t i = 0, next = 1; i < inputs; i++) {
            release(values[i]);
            values[i] = present[i][0] ? results[next++] : NULL;
        }
        past += length, length = 1, chunk[0] = best;
    }
    printf("\n");
    return 0;
}
