#define _GNU_SOURCE
#include "cpu_info.h"

#include <unistd.h>

#if defined(__linux__)
#include <sched.h>
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#endif

bool cpu_info_runs_kernels(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
#else
  return true;
#endif
}

bool cpu_info_has_avx512(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  return cpu_info_runs_kernels() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl");
#else
  return false;
#endif
}

size_t cpu_info_cache_bytes(int level) {
  long found = 0;
#if defined(__linux__)
  switch (level) {
    case 1: found = sysconf(_SC_LEVEL1_DCACHE_SIZE); break;
    case 2: found = sysconf(_SC_LEVEL2_CACHE_SIZE); break;
    case 3: found = sysconf(_SC_LEVEL3_CACHE_SIZE); break;
  }
#elif defined(__APPLE__)
  const char *names[] = {"", "hw.l1dcachesize", "hw.l2cachesize", "hw.l3cachesize"};
  size_t length = sizeof found;
  if (level < 1 || level > 3 || sysctlbyname(names[level], &found, &length, NULL, 0) != 0) found = 0;
#endif
  if (found > 0) return (size_t)found;
  switch (level) {
    case 1: return 32 << 10;
    case 2: return 512 << 10;
    default: return 8 << 20;
  }
}

int cpu_info_core_count(void) {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    int count = CPU_COUNT(&set);
    if (count > 0) return count;
  }
#endif
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? (int)online : 1;
}

void cpu_info_allowed_cores(int *allowed, int count) {
  for (int core = 0; core < count; core++) allowed[core] = 0;
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return;
  for (int core = 0; core < count && core < CPU_SETSIZE; core++) allowed[core] = CPU_ISSET(core, &set) != 0;
#endif
}
