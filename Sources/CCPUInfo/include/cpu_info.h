#pragma once
#include <stdbool.h>
#include <stddef.h>

/// Whether this processor can run the kernels as they were compiled: AVX2 and FMA on x86-64; every arm64 can.
/// In C because Swift has no way to read cpuid.
bool cpu_info_runs_kernels(void);

/// Whether this processor also runs the kernels that were compiled for AVX-512 (x86-64-v4: F, BW, CD, DQ, VL).
bool cpu_info_has_avx512(void);

/// Bytes of level-1 data, level-2 and level-3 cache that one core sees; a usual size where the system does not say.
/// In C because sysconf's cache names are macros that exist on some systems only.
size_t cpu_info_cache_bytes(int level);

/// Processors that this process may run on (affinity and container limits included where the system tells).
int cpu_info_core_count(void);

/// Sets `allowed[n]` to 1 where this process may use core `n` and to 0 elsewhere; all 0 where the system does not tell.
void cpu_info_allowed_cores(int *allowed, int count);

/// Tells the processor that this is a spinning wait. In C because the instruction has no name in Swift.
static inline void cpu_info_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/// Asks for a cache line that will be read soon. In C because the instruction has no name in Swift.
static inline void cpu_info_prefetch(const void *address) { __builtin_prefetch(address, 0, 3); }
