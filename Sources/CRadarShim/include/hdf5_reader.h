#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// HDF5 files are read in a process of its own: libhdf5 reads beyond its buffers on some damaged files, and a crash is to
// end that process and not the caller. It is a fork that runs nothing but C, which is why this is C.

/// A reading process.
typedef struct {
  int32_t process;
  int32_t channel;
} radar_hdf5_reader;

/// How a request ended.
typedef enum {
  RADAR_HDF5_DONE = 0,
  /// An HDF5 file without the marks of a format of images.
  RADAR_HDF5_OTHER_KIND = 1,
  /// libhdf5 cannot open it.
  RADAR_HDF5_NOT_OPENED = 2,
  /// libhdf5 failed on what it had found.
  RADAR_HDF5_FAILED = 3,
  /// More than a radar file has to say.
  RADAR_HDF5_TOO_MUCH = 4,
  /// The process is gone, by a crash or by taking too long.
  RADAR_HDF5_DIED = 5,
} radar_hdf5_status;

/// Starts a process; false when there cannot be one. To be called while no other thread is in libhdf5.
bool radar_hdf5_start(radar_hdf5_reader *reader);

/// Ends a process.
void radar_hdf5_stop(radar_hdf5_reader *reader);

/// Describes the groups, attributes and data sets of a file in a row of bytes (see hdf5_process.c) to be freed.
radar_hdf5_status radar_hdf5_describe(radar_hdf5_reader *reader, const char *path, uint8_t **bytes, size_t *count);

/// Reads all values of a data set as numbers in memory of a NetCDF type, which must take `count` bytes.
radar_hdf5_status radar_hdf5_values(radar_hdf5_reader *reader, const char *path, const char *dataset, int32_t type,
                                    void *target, size_t count);
