/* Octet's C interface: load a network, prepare it, run it.
 *
 *   octet_model* model;
 *   octet_session* session;
 *   if (octet_model_load("mobilenet.tflite", &model) != OCTET_OK) return complain(octet_last_error());
 *   if (octet_session_create(model, NULL, &session) != OCTET_OK) return complain(octet_last_error());
 *   octet_model_free(model);
 *   memcpy(octet_input_data(session, 0), picture, 224 * 224 * 3);
 *   if (octet_run(session) != OCTET_OK) return complain(octet_last_error());
 *   const uint8_t* scores = octet_output_data(session, 0);
 *   octet_session_free(session);
 *
 * No function throws, aborts or prints. Functions that can fail return a status; then octet_last_error() says in one
 * line what was wrong, and what they were to make is NULL. A model may be shared by threads, and different sessions may
 * run at the same time, even those of one model; each session is for one thread at a time.
 */
#ifndef OCTET_RUNTIME_OCTET_H_
#define OCTET_RUNTIME_OCTET_H_

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define OCTET_API __attribute__((visibility("default")))
#else
#define OCTET_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum octet_status {
  OCTET_OK = 0,
  OCTET_FAILED = 1,   /* the machine could not: out of memory, no thread to be had */
  OCTET_BAD_INPUT = 2 /* the caller's file, option or argument is wrong or not supported */
} octet_status;

/* Element types, numbered as in .tflite files. Others may occur; they count as opaque bytes. */
typedef enum octet_type {
  OCTET_FLOAT32 = 0,
  OCTET_INT32 = 2,
  OCTET_UINT8 = 3,
  OCTET_INT64 = 4,
  OCTET_BOOL = 6,
  OCTET_INT16 = 7,
  OCTET_INT8 = 9
} octet_type;

/* A network as its file says it: weights as they are there. */
typedef struct octet_model octet_model;
/* A network ready to run: packed weights (shared by sessions of one model and target), its own memory and threads. */
typedef struct octet_session octet_session;

/* Zeroes are the defaults. */
typedef struct octet_options {
  const char* target; /* "sse41", "avx2", "avx512vnni", "neon", "dotprod", "i8mm"; NULL or "auto": this CPU's best */
  int32_t threads;    /* 1 to 1024, the calling one included; 0 is 1 */
} octet_options;

/* An input or output. Real value = scales[c] * (q - zero_points[c]), c along `axis` where there is more than one scale.
 */
typedef struct octet_tensor_info {
  const char* name; /* this and the arrays live as long as the session */
  octet_type type;
  int32_t rank;
  const int32_t* shape; /* `rank` extents, outermost first, each >= 1; pictures are [batch, height, width, channels] */
  size_t bytes;         /* of the contents: dense, row-major, little-endian */
  int32_t scale_count;  /* 0: not quantized */
  const float* scales;
  const int64_t* zero_points;
  int32_t axis;
} octet_tensor_info;

/* "0.1.0". */
OCTET_API const char* octet_version(void);

/* What the last call that failed in this thread had to say; "" if none did. Valid until the next one fails. */
OCTET_API const char* octet_last_error(void);

/* Reads and verifies a .tflite file. */
OCTET_API octet_status octet_model_load(const char* path, octet_model** model);

/* The same from memory, which is copied; `name` begins error texts and may be NULL. */
OCTET_API octet_status octet_model_load_memory(const void* bytes, size_t size, const char* name, octet_model** model);

/* Sessions live on; only the file's own copy of the weights goes. NULL is allowed. */
OCTET_API void octet_model_free(octet_model* model);

/* Compiles the network's plan and packs its weights, unless a living session of this model and target has done that.
 * `options` may be NULL. Unsupported operators are listed all at once. */
OCTET_API octet_status octet_session_create(octet_model* model, const octet_options* options, octet_session** session);

/* Another session over the same packed weights: for one more thread of the application. `threads` as in the options. */
OCTET_API octet_status octet_session_clone(const octet_session* session, int32_t threads, octet_session** clone);

/* NULL is allowed. */
OCTET_API void octet_session_free(octet_session* session);

/* Name of the target that the session runs on. */
OCTET_API const char* octet_session_target(const octet_session* session);

OCTET_API size_t octet_input_count(const octet_session* session);
OCTET_API size_t octet_output_count(const octet_session* session);
OCTET_API octet_status octet_input_info(const octet_session* session, size_t index, octet_tensor_info* info);
OCTET_API octet_status octet_output_info(const octet_session* session, size_t index, octet_tensor_info* info);

/* Where to write an input, 64-byte aligned. Contents stay until written again; zero at first. NULL: no such input. */
OCTET_API void* octet_input_data(octet_session* session, size_t index);

/* Where an output is after octet_run(), until the next one. NULL: no such output. */
OCTET_API const void* octet_output_data(const octet_session* session, size_t index);

/* One inference. Takes up to 256 KiB of the caller's stack. */
OCTET_API octet_status octet_run(octet_session* session);

#ifdef __cplusplus
}
#endif

#endif /* OCTET_RUNTIME_OCTET_H_ */
