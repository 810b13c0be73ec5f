#pragma once

#include <sys/stat.h>

#include "file_description.h"
#include "reading_process.h"

/// What is asked for.
typedef enum { RADAR_DESCRIBE, RADAR_DESCRIBE_NETCDF, RADAR_IMAGE, RADAR_VALUES, RADAR_CLOSE } radar_request_kind;

/// A request; see reading_process.h for what it is made of.
typedef struct {
  radar_request_kind kind;
  int32_t type;
  int32_t rank;
  uint64_t byte_count;
  int64_t lengths[radar_largest_rank];
  int64_t starts[radar_largest_rank];
  int64_t counts[radar_largest_rank];
  char path[radar_longest_path];
  char name[radar_longest_path];
} radar_request;

/// What the processes share. The process that reads may be damaged by a file, so nothing in it is taken for granted.
typedef struct {
  radar_request request;
  /// The last request that the process began, for whoever tells of its end.
  volatile uint64_t begun;
  /// The requests that the process began before that one.
  volatile uint64_t served;
  volatile int32_t process;
  _Alignas(4096) uint8_t data[];
} radar_shared;

/// The most bytes of values or descriptions.
static const uint64_t radar_data_room = (uint64_t)512 << 20;

/// Whether a file is the same as before, by all that a file system tells.
bool radar_is_unchanged(const struct stat *a, const struct stat *b);

/// Answers requests until the channel is closed.
void radar_serve(int channel, radar_shared *shared);

/// Describes the images of an HDF5 file; `RADAR_NOT_OPENED`, `RADAR_FAILED`, `RADAR_TOO_MUCH`, or `RADAR_DONE_NETCDF` for a
/// file without the marks of a format of images.
radar_status radar_describe_images(const char *path, radar_description *to);

/// Reads all values of an image.
radar_status radar_read_image(const char *path, const char *name, int32_t type, void *target, uint64_t byte_count);

/// Reads all values of a variable of a NetCDF-4 file past libnetcdf, which would first make itself a picture of all that is
/// in the file: a third of the time that a file of one frame takes. False for whatever is not a plain data set of that
/// name, type and shape.
bool radar_read_whole(const radar_request *request, void *target);

/// Whether the values of a data set lie in another file.
bool radar_lies_elsewhere(const char *path, const char *name);

/// Describes a NetCDF file, which stays open for reading from it: `RADAR_DONE_NETCDF`, or, if not `always`, `RADAR_DONE`
/// for one with the marks of a format of images.
radar_status radar_describe_netcdf(const char *path, bool always, radar_description *to, int32_t *detail);

/// Closes the NetCDF files that are open.
void radar_close_netcdf(void);

/// Reads values of a variable.
radar_status radar_read_values(const radar_request *request, void *target, int32_t *detail);

/// Reads the texts of a variable: for each its length (u32) and its characters.
radar_status radar_read_texts(const radar_request *request, radar_description *to, int32_t *detail);
