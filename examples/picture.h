/* A picture as a network sees it: the smallest reader that will do, of uncompressed BMP files of 24 bits a pixel. */
#ifndef OCTET_EXAMPLES_PICTURE_H_
#define OCTET_EXAMPLES_PICTURE_H_

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint32_t picture_number(const uint8_t* bytes) {
  return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

/* The centre square of the picture, `size` x `size` RGB pixels of it, row by row from the top. 0 where that is no such
 * file. */
static int read_picture(const char* path, int size, uint8_t* rgb) {
  uint8_t head[54];
  long width, height, row, square, x, y, first;
  uint8_t* pixels;
  int complete;
  FILE* const file = fopen(path, "rb");
  if (file == NULL) return 0;
  if (fread(head, 1, sizeof head, file) != sizeof head || head[0] != 'B' || head[1] != 'M' || head[28] != 24 ||
      picture_number(head + 30) != 0) {
    fclose(file);
    return 0;
  }
  first = (long)picture_number(head + 10);
  width = (int32_t)picture_number(head + 18);
  height = (int32_t)picture_number(head + 22); /* of rows from the bottom */
  if (width < 1 || height < 1 || width > 16384 || height > 16384) {
    fclose(file);
    return 0;
  }
  row = (width * 3 + 3) / 4 * 4;
  pixels = (uint8_t*)malloc((size_t)(row * height));
  complete = pixels != NULL && fseek(file, first, SEEK_SET) == 0 &&
             fread(pixels, 1, (size_t)(row * height), file) == (size_t)(row * height);
  fclose(file);
  square = width < height ? width : height;
  for (y = 0; complete && y < size; y++) {
    for (x = 0; x < size; x++, rgb += 3) {
      const long from_top = (height - square) / 2 + y * square / size,
                 from_left = (width - square) / 2 + x * square / size;
      const uint8_t* const bgr = pixels + (height - 1 - from_top) * row + from_left * 3;
      rgb[0] = bgr[2];
      rgb[1] = bgr[1];
      rgb[2] = bgr[0];
    }
  }
  free(pixels);
  return complete;
}

#endif
