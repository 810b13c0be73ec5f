#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Files are read in a process of its own: libnetcdf and libhdf5 read beyond their buffers on some damaged ones, go round in
// circles or ask for memory without end, and that is to end this process and not the caller. It is a fork that runs nothing
// but C, which is why this is C.

enum {
  /// More dimensions no variable of ours has.
  radar_largest_rank = 32,
  /// Paths and names are shorter.
  radar_longest_path = 4096,
};

/// How a request ended.
typedef enum {
  /// An image, or a file with images.
  RADAR_DONE = 0,
  /// A NetCDF file.
  RADAR_DONE_NETCDF = 1,
  /// The library cannot open it.
  RADAR_NOT_OPENED = 2,
  /// The library failed on what it had found.
  RADAR_FAILED = 3,
  /// More than a radar file has to say.
  RADAR_TOO_MUCH = 4,
  /// It has more groups than any radar file.
  RADAR_MANY_GROUPS = 5,
  /// What is asked for is no longer as it was described.
  RADAR_CHANGED = 6,
  /// The values lie in another file.
  RADAR_ELSEWHERE = 7,
  /// The values lie in chunks out of all proportion.
  RADAR_HUGE_CHUNKS = 8,
  /// The process is gone, by a crash or by taking too long.
  RADAR_DIED = 9,
} radar_status;

/// An answer.
typedef struct {
  uint64_t serial;
  int32_t status;
  /// What libnetcdf returned.
  int32_t detail;
  /// The bytes in ``radar_reader_data``.
  uint64_t byte_count;
} radar_response;

/// A reading process, and the memory that is shared with it.
typedef struct {
  int32_t keeper;
  int32_t channel;
  void *shared;
  uint64_t serial;
} radar_reader;

/// Starts a process; false when there cannot be one. To be called before this process uses libhdf5: what it has open
/// there, the copy would take for open, too.
bool radar_reader_start(radar_reader *reader);

/// Ends the process.
void radar_reader_stop(radar_reader *reader);

/// The most bytes of values that can be asked for at once.
uint64_t radar_reader_room(void);

/// Where values and descriptions are found after a request, from ``radar_reader_wait`` until the next request.
const uint8_t *radar_reader_data(const radar_reader *reader);

// One request at a time: each is followed by ``radar_reader_wait``.

/// Asks what is in a file: its images if it has the marks of ODIM_H5 or KNMI, else all it has as NetCDF, or, if
/// `as_netcdf`, that in any case.
void radar_reader_describe(radar_reader *reader, const char *path, bool as_netcdf);

/// Asks for all values of an image as numbers of a NetCDF type.
void radar_reader_image(radar_reader *reader, const char *path, const char *name, int32_t type, uint64_t byte_count);

/// Asks for values of a variable of NetCDF, `counts` of them from `starts` on; of one of strings, for all. The variable must
/// still have that type and those lengths of its dimensions.
void radar_reader_values(radar_reader *reader, const char *path, const char *name, int32_t type, int32_t rank,
                         const int64_t *lengths, const int64_t *starts, const int64_t *counts, uint64_t byte_count);

/// Asks to close the files that were kept open for more requests: libhdf5 locks what is open against writers.
void radar_reader_close_files(radar_reader *reader);

/// Waits for the answer. A request that ends the process is made once more, in a new one, if the old one had read other
/// files before: they may have damaged it.
radar_response radar_reader_wait(radar_reader *reader);

/// The process that reads, for tests that end it.
int32_t radar_reader_process(const radar_reader *reader);
