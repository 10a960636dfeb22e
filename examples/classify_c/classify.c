/* classify PICTURE.bmp: the five classes that a compiled MobileNet thinks likeliest, with their scores. */
#include <stdio.h>
#include <string.h>

#include "../picture.h"
#include "mobilenet.h"

/* Everything that the network ever writes to; it allocates nothing. */
static _Alignas(64) unsigned char arena[MOBILENET_ARENA_BYTES];

/* A uint8 or int8 score, the higher the likelier. */
static int score_at(const octet_tensor* scores, const void* values, size_t i) {
  return scores->type == 9 ? ((const int8_t*)values)[i] : ((const uint8_t*)values)[i];
}

int main(int argc, char** argv) {
  const octet_tensor* const picture = mobilenet_input_info(0);
  const octet_tensor* const scores = mobilenet_output_info(0);
  mobilenet_t* const net = mobilenet_create(arena, sizeof arena);
  uint8_t* input;
  const void* values;
  size_t i, best[5] = {0}, count = 0, place;
  if (argc != 2) {
    fprintf(stderr, "usage: classify PICTURE.bmp\n");
    return 2;
  }
  if (net == NULL) {
    fprintf(stderr, "this CPU has none of the instruction sets that the network was compiled for\n");
    return 1;
  }
  input = mobilenet_input(net, 0);
  if (!read_picture(argv[1], picture->shape[1], input)) {
    fprintf(stderr, "%s: no BMP file of 24 bits a pixel\n", argv[1]);
    return 1;
  }
  if (picture->type == 9) {
    for (i = 0; i < picture->bytes; i++) input[i] ^= 0x80; /* int8: pixel - 128 */
  }
  mobilenet_run(net);
  values = mobilenet_output(net, 0);

  for (i = 0; i < scores->bytes; i++) { /* of equals, the first */
    for (place = count; place > 0 && score_at(scores, values, i) > score_at(scores, values, best[place - 1]); place--) {
      if (place < 5) best[place] = best[place - 1];
    }
    if (place < 5) best[place] = i;
    if (count < 5) count++;
  }
  for (i = 0; i < count; i++) printf("%zu %d\n", best[i], score_at(scores, values, best[i]));
  mobilenet_destroy(net);
  return 0;
}
