#include "radar_shim.h"

#include <hdf5.h>
#include <stdbool.h>
#include <udunits2.h>

void radar_silence_udunits(void) { ut_set_error_message_handler(ut_ignore); }

void radar_silence_hdf5(void) {
  static _Thread_local bool done;
  if (done) return;
  done = true;
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}
