#include "hdf5_shim.h"

#include <hdf5.h>

static herr_t refuse_external_link(const char *parent_file, const char *parent_group, const char *child_file,
                                   const char *child_object, unsigned *access, hid_t access_list, void *data) {
  (void)parent_file, (void)parent_group, (void)child_file, (void)child_object, (void)access, (void)access_list,
      (void)data;
  return -1;
}

int64_t radar_hdf5_open_file(const char *path) { return H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT); }

int64_t radar_hdf5_open_object(int64_t location, const char *name) {
  hid_t access = H5Pcreate(H5P_LINK_ACCESS);
  if (access < 0) return -1;
  hid_t object = H5Pset_elink_cb(access, refuse_external_link, NULL) < 0 ? -1 : H5Oopen(location, name, access);
  H5Pclose(access);
  return object;
}

int64_t radar_hdf5_native_type(int size, bool is_integer, bool is_signed) {
  if (!is_integer) return size == 4 ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE;
  switch (size) {
    case 1: return is_signed ? H5T_NATIVE_INT8 : H5T_NATIVE_UINT8;
    case 2: return is_signed ? H5T_NATIVE_INT16 : H5T_NATIVE_UINT16;
    case 4: return is_signed ? H5T_NATIVE_INT32 : H5T_NATIVE_UINT32;
    default: return is_signed ? H5T_NATIVE_INT64 : H5T_NATIVE_UINT64;
  }
}
