/* The calls of netCDF-C that any reader of these files needs, and nothing else: what nowcast's reading is held against. Opens
   each file, reads all attributes and dimensions and the values of all variables, and prints the seconds it took. */
#include <netcdf.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void check(int status, const char *path) {
  if (status == NC_NOERR) return;
  fprintf(stderr, "bare_reading: %s: %s\n", path, nc_strerror(status));
  exit(1);
}

/* Memory for so many bytes, used again. */
static void *room(size_t bytes) {
  static void *memory = NULL;
  static size_t size = 0;
  if (bytes > size) {
    free(memory);
    memory = malloc(bytes);
    size = bytes;
    if (memory == NULL) exit(1);
  }
  return memory;
}

static void read_attributes(int file, int variable, int count, const char *path) {
  for (int index = 0; index < count; index++) {
    char name[NC_MAX_NAME + 1];
    nc_type type;
    size_t length, size;
    check(nc_inq_attname(file, variable, index, name), path);
    check(nc_inq_att(file, variable, name, &type, &length), path);
    check(nc_inq_type(file, type, NULL, &size), path);
    void *values = room(size * length);
    check(nc_get_att(file, variable, name, values), path);
    if (type == NC_STRING) check(nc_free_string(length, values), path);
  }
}

static void read_file(const char *path) {
  int file, variables, attributes;
  check(nc_open(path, NC_NOWRITE, &file), path);
  check(nc_inq(file, NULL, &variables, &attributes, NULL), path);
  read_attributes(file, NC_GLOBAL, attributes, path);
  for (int variable = 0; variable < variables; variable++) {
    char name[NC_MAX_NAME + 1];
    int rank, dimensions[NC_MAX_VAR_DIMS];
    nc_type type;
    size_t size;
    check(nc_inq_var(file, variable, name, &type, &rank, dimensions, &attributes), path);
    check(nc_inq_type(file, type, NULL, &size), path);
    for (int index = 0; index < rank; index++) {
      size_t length;
      check(nc_inq_dim(file, dimensions[index], name, &length), path);
      size *= length;
    }
    read_attributes(file, variable, attributes, path);
    check(nc_get_var(file, variable, room(size)), path);
  }
  check(nc_close(file), path);
}

int main(int count, char **paths) {
  struct timespec start, end;
  clock_gettime(CLOCK_MONOTONIC, &start);
  for (int index = 1; index < count; index++) read_file(paths[index]);
  clock_gettime(CLOCK_MONOTONIC, &end);
  printf("%.4f\n", end.tv_sec - start.tv_sec + 1e-9 * (end.tv_nsec - start.tv_nsec));
  return 0;
}
