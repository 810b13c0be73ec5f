// The images of HDF5 files. A file is described as a row of bytes, numbers as they are in memory:
//
//   group      'G' name … 'E', with its attributes, data sets and groups between
//   attribute  'A' name, then 'n' count (u32) doubles | 's' length (u32) characters | 'o' for anything else
//   data set   'D' name, NetCDF type (u8; 0 for what is no plain number), storage (u8), rank (u8), lengths (u64 each)
//   excess     'X' number of members (u64), in place of the members of a group of too many
//   name       length (u16) characters

#include <hdf5.h>
#include <netcdf.h>
#include <stdlib.h>
#include <string.h>

#include "reading_service.h"

enum {
  deepest_group = 3,
  most_members = 1000,
  most_groups = 20000,
  longest_name = 255,
  largest_attribute = 1 << 14,
  largest_rank = 8,
};
static const uint64_t usual_chunk = (uint64_t)64 << 20;

/// Where the values of a data set are; ``HDF5Dataset/Storage`` has the same numbers.
enum { storage_here = 0, storage_unknown, storage_elsewhere, storage_huge_chunks, storage_empty };

// MARK: Attributes

static void put_text(radar_description *to, const char *text, size_t most) {
  uint32_t length = (uint32_t)strnlen(text, most);
  radar_put_byte(to, 's');
  radar_put_u32(to, length);
  radar_put(to, text, length);
}

static bool put_numbers(radar_description *to, hid_t attribute, size_t count) {
  double *numbers = calloc(count, sizeof *numbers);
  bool is_read = numbers && H5Aread(attribute, H5T_NATIVE_DOUBLE, numbers) >= 0;
  if (is_read) {
    radar_put_byte(to, 'n');
    radar_put_u32(to, (uint32_t)count);
    radar_put(to, numbers, count * sizeof *numbers);
  }
  free(numbers);
  return is_read;
}

/// Of an array only the first text is of interest.
static bool put_strings(radar_description *to, hid_t attribute, hid_t type, size_t count, size_t size) {
  bool is_read;
  if (H5Tis_variable_str(type) > 0) {
    char **strings = calloc(count, sizeof *strings);
    is_read = strings && H5Aread(attribute, type, strings) >= 0;
    if (is_read) {
      if (strings[0] && strnlen(strings[0], largest_attribute) == largest_attribute) is_read = false;
      else put_text(to, strings[0] ? strings[0] : "", largest_attribute);
      for (size_t i = 0; i < count; i++) H5free_memory(strings[i]);
    }
    free(strings);
  } else {
    char *characters = calloc(count, size);
    is_read = characters && H5Aread(attribute, type, characters) >= 0;
    if (is_read) put_text(to, characters, size);
    free(characters);
  }
  return is_read;
}

static bool put_value(radar_description *to, hid_t attribute, hid_t type, hid_t space) {
  hssize_t count = H5Sget_simple_extent_npoints(space);
  size_t size = H5Tget_size(type);
  if (count <= 0 || count > largest_attribute || size == 0 || size > (size_t)(largest_attribute / count)) return false;
  switch (H5Tget_class(type)) {
    case H5T_INTEGER:
    case H5T_FLOAT: return size <= 16 && put_numbers(to, attribute, (size_t)count);
    case H5T_STRING: return put_strings(to, attribute, type, (size_t)count, size);
    default: return false;
  }
}

static herr_t put_attribute(hid_t location, const char *name, const H5A_info_t *info, void *context) {
  (void)info;
  radar_description *to = context;
  radar_put_name(to, 'A', name);
  hid_t attribute = H5Aopen(location, name, H5P_DEFAULT);
  hid_t type = attribute < 0 ? -1 : H5Aget_type(attribute);
  hid_t space = attribute < 0 ? -1 : H5Aget_space(attribute);
  if (type < 0 || space < 0 || !put_value(to, attribute, type, space)) radar_put_byte(to, 'o');
  if (space >= 0) H5Sclose(space);
  if (type >= 0) H5Tclose(type);
  if (attribute >= 0) H5Aclose(attribute);
  return to->is_too_much ? -1 : 0;
}

// MARK: Data sets

static uint8_t number_type(hid_t dataset) {
  hid_t type = H5Dget_type(dataset);
  if (type < 0) return 0;
  size_t size = H5Tget_size(type);
  bool is_unsigned = H5Tget_sign(type) == H5T_SGN_NONE;
  uint8_t found = 0;
  switch (H5Tget_class(type)) {
    case H5T_FLOAT: found = size <= 4 ? NC_FLOAT : size <= 16 ? NC_DOUBLE : 0; break;
    case H5T_INTEGER:
      switch (size) {
        case 1: found = is_unsigned ? NC_UBYTE : NC_BYTE; break;
        case 2: found = is_unsigned ? NC_USHORT : NC_SHORT; break;
        case 4: found = is_unsigned ? NC_UINT : NC_INT; break;
        case 8: found = is_unsigned ? NC_UINT64 : NC_INT64; break;
      }
      break;
    default: break;
  }
  H5Tclose(type);
  return found;
}

/// A chunk is unpacked as a whole: one may be larger than a small image, but not without measure.
static bool has_huge_chunks(hid_t list, const hsize_t *lengths, int rank) {
  hsize_t chunk[largest_rank];
  if (H5Pget_chunk(list, largest_rank, chunk) != rank) return true;
  double chunk_values = 1, values = 1;
  for (int i = 0; i < rank; i++) {
    chunk_values *= (double)chunk[i];
    values *= (double)lengths[i];
  }
  return chunk_values > 2 * values && 8 * chunk_values > (double)usual_chunk;
}

static uint8_t storage(hid_t dataset, const hsize_t *lengths, int rank) {
  hid_t list = H5Dget_create_plist(dataset);
  if (list < 0) return storage_unknown;
  H5D_layout_t layout = H5Pget_layout(list);
  uint8_t found = storage_here;
  if ((layout != H5D_CHUNKED && layout != H5D_CONTIGUOUS && layout != H5D_COMPACT) ||
      H5Pget_external_count(list) != 0)
    found = storage_elsewhere;
  else if (layout == H5D_CHUNKED && has_huge_chunks(list, lengths, rank)) found = storage_huge_chunks;
  else if (H5Dget_storage_size(dataset) == 0) found = storage_empty;
  H5Pclose(list);
  return found;
}

static void put_dataset(radar_description *to, hid_t dataset, const char *name) {
  hid_t space = H5Dget_space(dataset);
  if (space < 0) return;
  hsize_t lengths[largest_rank];
  int rank = H5Sget_simple_extent_ndims(space);
  if (rank >= 0 && rank <= largest_rank && H5Sget_simple_extent_dims(space, lengths, NULL) == rank) {
    radar_put_name(to, 'D', name);
    radar_put_byte(to, number_type(dataset));
    radar_put_byte(to, storage(dataset, lengths, rank));
    radar_put_byte(to, (uint8_t)rank);
    for (int i = 0; i < rank; i++) radar_put_u64(to, lengths[i]);
  }
  H5Sclose(space);
}

// MARK: Groups

/// Links into other files: a radar file needs none, and a hostile one could lead anywhere.
static herr_t refuse_link(const char *parent, const char *group, const char *file, const char *object, unsigned *flags,
                          hid_t access, void *context) {
  (void)parent, (void)group, (void)file, (void)object, (void)flags, (void)access, (void)context;
  return -1;
}

static hid_t open_object(hid_t location, const char *name) {
  hid_t access = H5Pcreate(H5P_LINK_ACCESS);
  hid_t object = H5Pset_elink_cb(access, refuse_link, NULL) < 0 ? -1 : H5Oopen(location, name, access);
  H5Pclose(access);
  return object;
}

static void put_group(radar_description *to, hid_t group, const char *name, int depth, int *groups) {
  radar_put_name(to, 'G', name);
  H5Aiterate2(group, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, put_attribute, to);
  H5G_info_t info;
  if (++*groups > most_groups) to->is_too_much = true;
  if (depth < deepest_group && !to->is_too_much && H5Gget_info(group, &info) >= 0) {
    if (info.nlinks > most_members) {
      radar_put_byte(to, 'X');
      radar_put_u64(to, info.nlinks);
      info.nlinks = 0;
    }
    for (hsize_t i = 0; i < info.nlinks && !to->is_too_much; i++) {
      char member[longest_name + 1];
      ssize_t length =
          H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_NATIVE, i, member, sizeof member, H5P_DEFAULT);
      if (length <= 0 || length > longest_name) continue;
      hid_t object = open_object(group, member);
      if (object < 0) continue;
      switch (H5Iget_type(object)) {
        case H5I_GROUP: put_group(to, object, member, depth + 1, groups); break;
        case H5I_DATASET: put_dataset(to, object, member); break;
        default: break;
      }
      H5Oclose(object);
    }
  }
  radar_put_byte(to, 'E');
}

// MARK: Requests

/// The groups every ODIM_H5 and every KNMI file has: most HDF5 files are NetCDF-4, and need not be described.
static bool may_hold_images(hid_t root) {
  return H5Lexists(root, "what", H5P_DEFAULT) > 0 || H5Lexists(root, "overview", H5P_DEFAULT) > 0;
}

static hid_t open_file(const char *path) {
  hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  // Not the driver of libnetcdf, which may have the same file open: the library would take the two for one.
  hid_t file = H5Pset_fapl_stdio(access) < 0 ? -1 : H5Fopen(path, H5F_ACC_RDONLY, access);
  H5Pclose(access);
  return file;
}

radar_status radar_describe_images(const char *path, radar_description *to) {
  hid_t file = open_file(path);
  if (file < 0) return RADAR_NOT_OPENED;
  hid_t root = open_object(file, "/");
  radar_status status = RADAR_FAILED;
  if (root >= 0 && !may_hold_images(root)) status = RADAR_DONE_NETCDF;
  else if (root >= 0) {
    int groups = 0;
    put_group(to, root, "", 0, &groups);
    status = to->is_too_much ? RADAR_TOO_MUCH : RADAR_DONE;
  }
  if (root >= 0) H5Oclose(root);
  H5Fclose(file);
  return status;
}

static hid_t memory_type(int32_t type) {
  switch (type) {
    case NC_BYTE: return H5T_NATIVE_INT8;
    case NC_UBYTE: return H5T_NATIVE_UINT8;
    case NC_SHORT: return H5T_NATIVE_INT16;
    case NC_USHORT: return H5T_NATIVE_UINT16;
    case NC_INT: return H5T_NATIVE_INT32;
    case NC_UINT: return H5T_NATIVE_UINT32;
    case NC_INT64: return H5T_NATIVE_INT64;
    case NC_UINT64: return H5T_NATIVE_UINT64;
    case NC_FLOAT: return H5T_NATIVE_FLOAT;
    default: return H5T_NATIVE_DOUBLE;
  }
}

static bool read_values(hid_t dataset, int32_t type, void *target, uint64_t byte_count) {
  hid_t memory = memory_type(type);
  hid_t space = H5Dget_space(dataset);
  hssize_t count = space < 0 ? -1 : H5Sget_simple_extent_npoints(space);
  if (space >= 0) H5Sclose(space);
  return count > 0 && byte_count / H5Tget_size(memory) == (uint64_t)count &&
         H5Dread(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, target) >= 0;
}

radar_status radar_read_image(const char *path, const char *name, int32_t type, void *target, uint64_t byte_count) {
  hid_t file = open_file(path);
  if (file < 0) return RADAR_NOT_OPENED;
  hid_t dataset = open_object(file, name);
  bool is_read = dataset >= 0 && H5Iget_type(dataset) == H5I_DATASET && read_values(dataset, type, target, byte_count);
  if (dataset >= 0) H5Oclose(dataset);
  H5Fclose(file);
  return is_read ? RADAR_DONE : RADAR_FAILED;
}

/// Whether a data set has the type and the lengths of a request, and its values are in the file.
static bool is_as_described(hid_t dataset, const radar_request *request) {
  hid_t space = H5Dget_space(dataset);
  if (space < 0) return false;
  hsize_t lengths[largest_rank];
  int rank = H5Sget_simple_extent_ndims(space);
  bool is_same = rank == request->rank && rank <= largest_rank && number_type(dataset) == request->type &&
                 H5Sget_simple_extent_dims(space, lengths, NULL) == rank;
  for (int i = 0; is_same && i < rank; i++) is_same = lengths[i] == (hsize_t)request->lengths[i];
  is_same = is_same && storage(dataset, lengths, rank) == storage_here;
  H5Sclose(space);
  return is_same;
}

bool radar_read_whole(const radar_request *request, void *target) {
  hid_t file = open_file(request->path);
  if (file < 0) return false;
  hid_t dataset = open_object(file, request->name);
  bool is_read = dataset >= 0 && H5Iget_type(dataset) == H5I_DATASET && is_as_described(dataset, request) &&
                 read_values(dataset, request->type, target, request->byte_count);
  if (dataset >= 0) H5Oclose(dataset);
  H5Fclose(file);
  return is_read;
}

bool radar_lies_elsewhere(const char *path, const char *name) {
  hid_t file = open_file(path);
  hid_t dataset = file < 0 ? -1 : open_object(file, name);
  hid_t list = dataset >= 0 && H5Iget_type(dataset) == H5I_DATASET ? H5Dget_create_plist(dataset) : -1;
  bool is_elsewhere = list >= 0 && H5Pget_external_count(list) > 0;
  if (list >= 0) H5Pclose(list);
  if (dataset >= 0) H5Oclose(dataset);
  if (file >= 0) H5Fclose(file);
  return is_elsewhere;
}
