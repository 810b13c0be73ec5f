// NetCDF files. A file is described as a row of bytes, numbers as they are in memory:
//
//   group      'G' name, the number of the group around it (u32), followed by its attributes and variables; the root is first
//              and around itself, every other group comes after the one around it
//   variable   'V' name, type (u8; 0 for one made by the user), rank (u8), of each dimension its number (u32), length (u64)
//              and 'd' name; followed by its attributes
//   values     'W' number of bytes (u64), the values of the last variable, if it is small and has at most one dimension:
//              those are nearly all coordinates and times, which will be asked for
//   attribute  'A' name, type (u8), number of values (u64), the values; a string is its length (u32) and its characters
//   end        'E'
//   name       length (u16) characters

#define _GNU_SOURCE
#include <netcdf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reading_service.h"

enum {
  most_groups = 1000,
  most_texts = 1 << 20,
  // Files that are read keep their chunks in memory.
  most_files = 4,
};
static const size_t largest_attribute = (size_t)4 << 20;
/// The most memory for chunks that are kept because they hold parts of many frames.
static const double most_kept_chunks = 512 << 20;
static const double usual_chunk = 64 << 20;

// MARK: Open files

typedef struct {
  char path[radar_longest_path];
  struct stat identity;
  int id;
  bool is_open;
  uint64_t used;
} open_file;

static open_file files[most_files];
static uint64_t uses;

static void close_file(open_file *file) {
  if (file->is_open) nc_close(file->id);
  file->is_open = false;
}

void radar_close_netcdf(void) {
  for (int i = 0; i < most_files; i++) close_file(&files[i]);
}

static bool is_same(const struct stat *a, const struct stat *b) {
  return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/// Opens a file in the place of the one that was not used for longest.
static int open_anew(const char *path, const struct stat *identity, open_file **opened) {
  open_file *place = &files[0];
  for (int i = 0; i < most_files; i++) {
    // libhdf5 would take what it knows of an open file for what it opens once more.
    if (files[i].is_open && is_same(&files[i].identity, identity)) close_file(&files[i]);
    if (!files[i].is_open) files[i].used = 0;
    if (files[i].used < place->used) place = &files[i];
  }
  close_file(place);
  int status = nc_open(path, NC_NOWRITE, &place->id);
  if (status != NC_NOERR) return status;
  strcpy(place->path, path);
  place->identity = *identity;
  place->is_open = true;
  place->used = ++uses;
  *opened = place;
  return NC_NOERR;
}

/// The place of a file that is open and unchanged.
static open_file *find_open(const char *path, const struct stat *identity) {
  for (int i = 0; i < most_files; i++) {
    if (files[i].is_open && strcmp(files[i].path, path) == 0 && radar_is_unchanged(&files[i].identity, identity))
      return &files[i];
  }
  return NULL;
}

static int find_or_open(const char *path, open_file **found) {
  struct stat identity;
  if (stat(path, &identity) != 0) return NC_ENOTFOUND;
  *found = find_open(path, &identity);
  if (!*found) return open_anew(path, &identity, found);
  (*found)->used = ++uses;
  return NC_NOERR;
}

static size_t size_of(nc_type type) {
  static const size_t sizes[] = {0, 1, 1, 2, 4, 4, 8, 1, 2, 4, 8, 8, sizeof(char *)};
  return type >= NC_BYTE && type <= NC_MAX_ATOMIC_TYPE ? sizes[type] : 0;
}

// MARK: Values

/// A variable of an open file.
typedef struct {
  int group;
  int id;
  nc_type type;
  int rank;
  size_t lengths[radar_largest_rank];
  int storage;
  size_t chunks[radar_largest_rank];
} variable;

/// Finds out how a variable is made.
static int inquire(int group, int id, variable *found) {
  int dimensions[radar_largest_rank];
  *found = (variable){.group = group, .id = id};
  int status = nc_inq_varndims(group, id, &found->rank);
  if (status == NC_NOERR && (found->rank < 0 || found->rank > radar_largest_rank)) status = NC_EMAXDIMS;
  if (status == NC_NOERR) status = nc_inq_var(group, id, NULL, &found->type, NULL, dimensions, NULL);
  for (int i = 0; i < found->rank && status == NC_NOERR; i++)
    status = nc_inq_dimlen(group, dimensions[i], &found->lengths[i]);
  if (status == NC_NOERR && nc_inq_var_chunking(group, id, &found->storage, found->chunks) != NC_NOERR)
    found->storage = NC_CONTIGUOUS;
  return status;
}

/// Makes room for the chunks that a part is in, where a chunk holds parts of many frames: else each frame would inflate
/// them all again. A chunk is unpacked as a whole: one may be larger than the part, but not without measure.
static radar_status prepare(const variable *found, const size_t *counts) {
  double chunk = 1, all = 1, kept = (double)size_of(found->type);
  bool is_worth_it = false;
  for (int i = 0; i < found->rank; i++) {
    double length = (double)found->lengths[i], own = (double)found->chunks[i];
    bool is_part = counts[i] < found->lengths[i];
    if (own < 1) return RADAR_HUGE_CHUNKS;
    is_worth_it |= is_part && own > (double)counts[i];
    kept *= is_part ? own : (length + own - 1) / own * own;
    chunk *= own;
    all *= length;
  }
  if (chunk > 2 * all && chunk * (double)size_of(found->type) > usual_chunk) return RADAR_HUGE_CHUNKS;
  size_t size = 16 << 20;
  size_t room;
  if (!is_worth_it || kept > most_kept_chunks) return RADAR_DONE;
  if ((double)size < kept) size = (size_t)kept;
  if (nc_get_var_chunk_cache(found->group, found->id, &room, NULL, NULL) == NC_NOERR && room < size)
    nc_set_var_chunk_cache(found->group, found->id, size, 4099, 0.75f);
  return RADAR_DONE;
}

/// Lets no more files be opened: the values of a variable without chunks may lie in any file the header names.
static bool forbid_opening(struct rlimit *before) {
  int lowest = dup(STDIN_FILENO);
  if (lowest < 0 || getrlimit(RLIMIT_NOFILE, before) != 0) return false;
  close(lowest);
  struct rlimit limit = {.rlim_cur = (rlim_t)lowest, .rlim_max = before->rlim_max};
  return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

static radar_status read_values(const variable *found, const size_t *starts, const size_t *counts, void *target,
                                int32_t *detail) {
  radar_status status = RADAR_DONE;
  // Some versions know virtual data sets, which are made of others, and to some they are of an unknown kind.
  if (found->storage == NC_VIRTUAL || found->storage == NC_UNKNOWN_STORAGE) return RADAR_ELSEWHERE;
  if (found->storage == NC_CHUNKED) {
    status = prepare(found, counts);
    if (status == RADAR_DONE) *detail = nc_get_vara(found->group, found->id, starts, counts, target);
  } else {
    struct rlimit before;
    if (!forbid_opening(&before)) return RADAR_FAILED;
    *detail = nc_get_vara(found->group, found->id, starts, counts, target);
    setrlimit(RLIMIT_NOFILE, &before);
  }
  return status == RADAR_DONE && *detail != NC_NOERR ? RADAR_FAILED : status;
}

// MARK: The description

static void put_text(radar_description *to, const char *text) {
  size_t length = text ? strnlen(text, largest_attribute) : 0;
  radar_put_u32(to, (uint32_t)length);
  radar_put(to, text, length);
}

static int put_value(radar_description *to, int group, int variable, const char *name, nc_type type, size_t count) {
  void *values = calloc(count, size_of(type));
  if (!values) return NC_ENOMEM;
  int status = count == 0 ? NC_NOERR : nc_get_att(group, variable, name, values);
  if (status == NC_NOERR) {
    radar_put_name(to, 'A', name);
    radar_put_byte(to, (uint8_t)type);
    radar_put_u64(to, count);
    if (type == NC_STRING) {
      char **texts = values;
      for (size_t i = 0; i < count; i++) put_text(to, texts[i]);
      if (count > 0) nc_free_string(count, texts);
    } else {
      radar_put(to, values, count * size_of(type));
    }
  }
  free(values);
  return status;
}

/// Attributes of types made by users, and larger ones than any we need, are left out.
static int put_attributes(radar_description *to, int group, int variable, int count) {
  for (int i = 0; i < count && !to->is_too_much; i++) {
    char name[NC_MAX_NAME + 1] = {0};
    nc_type type;
    size_t length;
    int status = nc_inq_attname(group, variable, i, name);
    if (status == NC_NOERR) status = nc_inq_att(group, variable, name, &type, &length);
    if (status == NC_NOERR && size_of(type) > 0 && length <= largest_attribute / size_of(type))
      status = put_value(to, group, variable, name, type, length);
    if (status != NC_NOERR) return status;
  }
  return NC_NOERR;
}

/// Should it fail, whoever asks for the values is told why.
static void put_small_values(radar_description *to, int group, int id) {
  static uint8_t values[64 << 10];
  variable found;
  if (inquire(group, id, &found) != NC_NOERR || found.rank > 1 || found.type == NC_STRING) return;
  size_t size = size_of(found.type), start = 0, count = found.rank == 0 ? 1 : found.lengths[0];
  int32_t detail;
  if (size == 0 || count == 0 || count > sizeof values / size) return;
  if (read_values(&found, &start, &count, values, &detail) != RADAR_DONE) return;
  radar_put_byte(to, 'W');
  radar_put_u64(to, count * size);
  radar_put(to, values, count * size);
}

static int put_variable(radar_description *to, int group, int variable) {
  static int dimensions[NC_MAX_VAR_DIMS];
  char name[NC_MAX_NAME + 1] = {0};
  nc_type type;
  int rank, attributes;
  int status = nc_inq_varndims(group, variable, &rank);
  if (status == NC_NOERR && (rank < 0 || rank > NC_MAX_VAR_DIMS)) status = NC_EMAXDIMS;
  if (status == NC_NOERR) status = nc_inq_var(group, variable, name, &type, NULL, dimensions, &attributes);
  if (status != NC_NOERR) return status;
  bool is_plain = size_of(type) > 0 && rank <= radar_largest_rank;
  radar_put_name(to, 'V', name);
  radar_put_byte(to, is_plain ? (uint8_t)type : 0);
  radar_put_byte(to, rank <= radar_largest_rank ? (uint8_t)rank : 0);
  for (int i = 0; i < rank && rank <= radar_largest_rank; i++) {
    size_t length;
    memset(name, 0, sizeof name);
    status = nc_inq_dim(group, dimensions[i], name, &length);
    if (status != NC_NOERR) return status;
    radar_put_u32(to, (uint32_t)dimensions[i]);
    radar_put_u64(to, length);
    radar_put_name(to, 'd', name);
  }
  if (is_plain && rank <= 1) put_small_values(to, group, variable);
  return put_attributes(to, group, variable, attributes);
}

/// Appends the groups in a group to those that are known.
static int find_children(int group, int around, int *groups, int *parents, int *count, radar_status *outcome) {
  int children = 0;
  int status = nc_inq_grps(group, &children, NULL);
  if (status != NC_NOERR || children <= 0) return status;
  if (children > most_groups - *count) {
    *outcome = RADAR_MANY_GROUPS;
    return NC_NOERR;
  }
  status = nc_inq_grps(group, NULL, groups + *count);
  for (int i = 0; i < children; i++) parents[*count + i] = around;
  *count += children;
  return status;
}

static bool is_group_of_images(int root) {
  int found;
  return nc_inq_grp_ncid(root, "what", &found) == NC_NOERR || nc_inq_grp_ncid(root, "overview", &found) == NC_NOERR;
}

radar_status radar_describe_netcdf(const char *path, bool always, radar_description *to, int32_t *detail) {
  static int groups[most_groups], parents[most_groups];
  struct stat identity;
  open_file *file;
  int count = 1;
  radar_status outcome = RADAR_DONE_NETCDF;
  if (stat(path, &identity) != 0) return RADAR_NOT_OPENED;
  *detail = open_anew(path, &identity, &file);
  if (*detail != NC_NOERR) return RADAR_NOT_OPENED;
  if (!always && is_group_of_images(file->id)) return RADAR_DONE;
  groups[0] = file->id;
  parents[0] = 0;
  for (int i = 0; i < count && outcome == RADAR_DONE_NETCDF; i++) {
    char name[NC_MAX_NAME + 1] = {0};
    int variables = 0, attributes = 0;
    *detail = nc_inq_grpname(groups[i], name);
    if (*detail == NC_NOERR) *detail = nc_inq(groups[i], NULL, &variables, &attributes, NULL);
    if (*detail == NC_NOERR) {
      radar_put_name(to, 'G', i == 0 ? "" : name);
      radar_put_u32(to, (uint32_t)parents[i]);
      *detail = put_attributes(to, groups[i], NC_GLOBAL, attributes);
    }
    for (int variable = 0; variable < variables && *detail == NC_NOERR && !to->is_too_much; variable++)
      *detail = put_variable(to, groups[i], variable);
    if (*detail == NC_NOERR) *detail = find_children(groups[i], i, groups, parents, &count, &outcome);
    if (*detail != NC_NOERR) return RADAR_FAILED;
    if (to->is_too_much) outcome = RADAR_TOO_MUCH;
  }
  radar_put_byte(to, 'E');
  return outcome;
}

// MARK: Requests

/// Finds a variable by its name and those of the groups around it, and looks whether it is as it was described.
static radar_status find(const radar_request *request, variable *found, int32_t *detail) {
  open_file *file;
  *detail = find_or_open(request->path, &file);
  if (*detail != NC_NOERR) return RADAR_NOT_OPENED;
  char names[radar_longest_path];
  strcpy(names, request->name);
  int group = file->id, id;
  char *name = names[0] == '/' ? names + 1 : names;
  for (char *end; (end = strchr(name, '/')); name = end + 1) {
    *end = 0;
    if (nc_inq_grp_ncid(group, name, &group) != NC_NOERR) return RADAR_CHANGED;
  }
  if (nc_inq_varid(group, name, &id) != NC_NOERR || inquire(group, id, found) != NC_NOERR ||
      found->type != request->type || found->rank != request->rank)
    return RADAR_CHANGED;
  for (int i = 0; i < found->rank; i++)
    if ((int64_t)found->lengths[i] != request->lengths[i]) return RADAR_CHANGED;
  return RADAR_DONE;
}

/// Whether a request is for all of a variable of several dimensions, in a file that is not open. (One of a single dimension
/// may have another name in the file, if that of the dimension is the same.)
static bool is_whole_and_closed(const radar_request *request) {
  struct stat identity;
  if (request->rank < 2 || stat(request->path, &identity) != 0 || find_open(request->path, &identity)) return false;
  for (int i = 0; i < request->rank; i++)
    if (request->starts[i] != 0 || request->counts[i] != request->lengths[i]) return false;
  return true;
}

radar_status radar_read_values(const radar_request *request, void *target, int32_t *detail) {
  variable found;
  // What cannot be read so, libnetcdf reads, or says why not.
  if (is_whole_and_closed(request) && radar_read_whole(request, target)) return RADAR_DONE;
  radar_status status = find(request, &found, detail);
  if (status != RADAR_DONE) return status;
  size_t starts[radar_largest_rank] = {0}, counts[radar_largest_rank] = {0};
  double bytes = (double)size_of(found.type);
  for (int i = 0; i < found.rank; i++) {
    starts[i] = (size_t)request->starts[i];
    counts[i] = (size_t)request->counts[i];
    bytes *= (double)counts[i];
  }
  if (bytes != (double)request->byte_count) return RADAR_FAILED;
  status = read_values(&found, starts, counts, target, detail);
  return status == RADAR_FAILED && radar_lies_elsewhere(request->path, request->name) ? RADAR_ELSEWHERE : status;
}

radar_status radar_read_texts(const radar_request *request, radar_description *to, int32_t *detail) {
  variable found;
  radar_status status = find(request, &found, detail);
  if (status != RADAR_DONE) return status;
  double count = 1;
  for (int i = 0; i < found.rank; i++) count *= (double)found.lengths[i];
  if ( count < 1 || count > most_texts) return RADAR_TOO_MUCH;
  char **texts = calloc((size_t)count, sizeof *texts);
  if (!texts) return RADAR_TOO_MUCH;
  *detail = nc_get_var_string(found.group, found.id, texts);
  if (*detail == NC_NOERR) {
    for (size_t i = 0; i < (size_t)count; i++) put_text(to, texts[i]);
    nc_free_string((size_t)count, texts);
  }
  free(texts);
  return *detail != NC_NOERR ? RADAR_FAILED : to->is_too_much ? RADAR_TOO_MUCH : RADAR_DONE;
}
