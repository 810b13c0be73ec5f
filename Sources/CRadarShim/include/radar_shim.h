#pragma once

// Swift calls libnetcdf and libudunits2 directly; here is only what it cannot call.

/// Keeps UDUNITS from printing to standard error. Swift has no value for a function that takes a `va_list`.
void radar_silence_udunits(void);
