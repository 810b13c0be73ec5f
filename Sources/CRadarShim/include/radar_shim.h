#pragma once

#include "reading_process.h"

// Swift calls libnetcdf and libudunits2 directly; here is only what it cannot call.

/// Keeps UDUNITS from printing to standard error. Swift has no value for a function that takes a `va_list`.
void radar_silence_udunits(void);

/// Gives memory that was freed back to the system. The module that Swift has of the C library lacks `malloc.h`.
void radar_return_memory(void);

/// Keeps HDF5 from printing its error stack in the calling thread. libnetcdf does so only in the thread that called it
/// first, and Swift has no `_Thread_local`.
void radar_silence_hdf5(void);
