/* main FILE: runs the network that the C++ program has written, and checks the numbers. */
#include <stdint.h>
#include <stdio.h>

#include "runtime/octet.h"

static int complain(void) {
  fprintf(stderr, "%s\n", octet_last_error());
  return 1;
}

int main(int argc, char** argv) {
  octet_model* model;
  octet_session* session;
  uint8_t* input;
  const uint8_t* output;
  int i;
  if (argc != 2) return 2;
  if (octet_model_load(argv[1], &model) != OCTET_OK) return complain();
  if (octet_session_create(model, NULL, &session) != OCTET_OK) return complain();
  octet_model_free(model);
  input = octet_input_data(session, 0);
  for (i = 0; i < 16; i++) input[i] = (uint8_t)(3 + i);
  if (octet_run(session) != OCTET_OK) return complain();
  output = octet_output_data(session, 0);
  for (i = 0; i < 16; i++) {
    if (output[i] != (3 + i < 10 ? 10 : 3 + i)) {
      fprintf(stderr, "output %d is %d\n", i, output[i]);
      return 1;
    }
  }
  printf("%s: right, on %s\n", octet_version(), octet_session_target(session));
  octet_session_free(session);
  return 0;
}
