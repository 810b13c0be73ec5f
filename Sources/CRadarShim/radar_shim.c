#include "radar_shim.h"

#include <hdf5.h>
#include <stdbool.h>
#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <udunits2.h>

void radar_return_memory(void) {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

void radar_silence_udunits(void) { ut_set_error_message_handler(ut_ignore); }

void radar_silence_hdf5(void) {
  static _Thread_local bool done;
  if (done) return;
  done = true;
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}
