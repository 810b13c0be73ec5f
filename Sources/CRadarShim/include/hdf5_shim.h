#pragma once

#include <stdbool.h>
#include <stdint.h>

// Swift calls libhdf5 directly; here is only what it cannot call.

/// Opens a file for reading; negative when that fails. The names of flags and of property lists are macros that
/// call functions.
int64_t radar_hdf5_open_file(const char *path);

/// Opens a group or a data set below an open object; negative when that fails. A link into another file is not
/// followed: a radar file needs none, and a hostile one could lead anywhere. The callback is C's.
int64_t radar_hdf5_open_object(int64_t location, const char *name);

/// The type of numbers in memory of 1, 2, 4 or 8 bytes (4 or 8 if they are not integers). The names of types are macros.
int64_t radar_hdf5_native_type(int size, bool is_integer, bool is_signed);
