#include "image/layer.h"

#include "base/file.h"

#include <archive.h>
#include <archive_entry.h>
#include <elf.h>
#include <string.h>
#include <zlib.h>

#define RUNTIME_MAX ((size_t)16 << 20)

static int read_program(const char *path, struct buf *out, struct error *err)
{
	int r = file_read(path, out);

	if (r < 0)
		return error_set(err, r, "%s cannot be read: %s", path, strerror(-r));
	if (out->len < sizeof(Elf64_Ehdr) || memcmp(out->data, ELFMAG, SELFMAG) != 0)
		return error_set(err, -EINVAL, "%s is not a program", path);
	return 0;
}

/* -- tar ------------------------------------------------------------------------------------------------------- */

static la_ssize_t take_archive(struct archive *a, void *arg, const void *data, size_t len)
{
	if (buf_append(arg, data, len) == 0)
		return (la_ssize_t)len;
	archive_set_error(a, ENOMEM, "out of memory");
	return -1;
}

static struct archive_entry *describe(size_t size)
{
	struct archive_entry *entry = archive_entry_new();

	if (!entry)
		return NULL;
	archive_entry_set_pathname(entry, IMAGE_ENTRY_POINT + 1);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0755);
	archive_entry_set_uid(entry, 0);
	archive_entry_set_gid(entry, 0);
	archive_entry_set_mtime(entry, 0, 0);
	archive_entry_set_size(entry, (la_int64_t)size);
	return entry;
}

static int write_archive(struct archive *a, const struct buf *program, struct buf *out)
{
	struct archive_entry *entry = describe(program->len);
	bool good;

	good = entry && archive_write_set_format_ustar(a) == ARCHIVE_OK &&
	       archive_write_open(a, out, NULL, take_archive, NULL) == ARCHIVE_OK &&
	       archive_write_header(a, entry) == ARCHIVE_OK &&
	       archive_write_data(a, program->data, program->len) == (la_ssize_t)program->len &&
	       archive_write_close(a) == ARCHIVE_OK;
	archive_entry_free(entry);
	return good ? 0 : -ENOMEM;
}

static int make_archive(const struct buf *program, struct buf *out)
{
	struct archive *a = archive_write_new();
	int r = a ? write_archive(a, program, out) : -ENOMEM;

	archive_write_free(a);
	return r;
}

/* -- gzip ------------------------------------------------------------------------------------------------------ */

/* RFC 1952: zlib writes no name, and a time of 0; the operating system is fixed so that it does not tell of the build.
 */
static int compress_archive(const struct buf *tar, struct buf *out)
{
	gz_header header = {.os = 255};
	z_stream z = {.next_in = (unsigned char *)tar->data, .avail_in = (uInt)tar->len};
	_free_ unsigned char *data = NULL;
	uLong most;
	int r = -ENOMEM;

	if (deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	deflateSetHeader(&z, &header);
	most = deflateBound(&z, (uLong)tar->len);
	data = malloc(most);
	z.next_out = data;
	z.avail_out = (uInt)most;
	if (data && deflate(&z, Z_FINISH) == Z_STREAM_END)
		r = buf_append(out, data, z.total_out);
	deflateEnd(&z);
	return r;
}

int image_layer_make(const char *runtime_path, struct image_layer *ret, struct error *err)
{
	_buf_ struct buf program = BUF_INIT(RUNTIME_MAX), tar = BUF_INIT(RUNTIME_MAX + 65536);
	int r;

	memset(ret, 0, sizeof(*ret));
	buf_init(&ret->data, RUNTIME_MAX + 65536);
	r = read_program(runtime_path, &program, err);
	if (r < 0)
		return r;
	r = make_archive(&program, &tar);
	if (r == 0)
		r = compress_archive(&tar, &ret->data);
	if (r == 0)
		r = image_digest(tar.data, tar.len, ret->diff_id);
	if (r == 0)
		r = image_digest(ret->data.data, ret->data.len, ret->digest);
	return r < 0 ? error_set(err, r, "out of memory") : 0;
}

void image_layer_free(struct image_layer *l)
{
	buf_free(&l->data);
}
