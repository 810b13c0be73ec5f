#pragma once

#include <stddef.h>

// The starter model as a part of the program, so that it is there wherever the program is, whatever was copied with it.

/// The bytes of its safetensors file, and how many they are.
const unsigned char *starter_model_bytes(size_t *count);
