#pragma once

#include "hdf5_reader.h"

/// What begins each request, followed by the path and the name of the data set.
typedef struct {
  uint32_t path_length;
  /// Zero asks for a description.
  uint32_t dataset_length;
  int32_t type;
  uint64_t byte_count;
} radar_hdf5_request;

/// What begins each response, followed by that many bytes.
typedef struct {
  uint32_t status;
  uint64_t byte_count;
} radar_hdf5_response;

/// Answers requests until the channel is closed.
void radar_hdf5_serve(int channel);
