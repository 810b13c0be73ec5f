#include "starter_model.h"

static const unsigned char bytes[] = {
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wc23-extensions"
#embed "starter.safetensors"
#pragma clang diagnostic pop
};

const unsigned char *starter_model_bytes(size_t *count) {
  *count = sizeof bytes;
  return bytes;
}
