/* SPDX-License-Identifier: BSD-3-Clause */
#include "image/layer.h"

#include "image/manifest.h"

#include <assert.h>
#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#define GZIP_WINDOW (15 + 16) /* asks zlib for a gzip header */

/* -- the program ------------------------------------------------------------------------------------------------ */

/* This does not use file_read(), because a FIFO must not block and a directory needs its own message. */
static int layer_read_program(const char *path, struct buf *out, struct error *err)
{
	_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char piece[65536];
	struct stat st;
	ssize_t n = 0;

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set(err, -errno, "cannot open the runtime %s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return error_set(err, -ENOEXEC, "the runtime %s is not a regular file", path);
	while (!out->error && (n = read(fd, piece, sizeof(piece))) != 0) {
		if (n < 0 && errno != EINTR)
			return error_set(err, -errno, "cannot read the runtime %s: %s", path, strerror(errno));
		if (n > 0)
			buf_append(out, piece, (size_t)n);
	}
	if (out->error == -EFBIG)
		return error_set(err, -EFBIG, "the runtime %s is larger than %zu bytes", path, out->max);
	return out->error;
}

/* The architecture of a 64-bit little-endian ELF program with an entry point, if Lambda has it; else NULL. */
static const char *layer_architecture(const struct buf *program)
{
	Elf64_Ehdr h;

	if (program->len < sizeof(h))
		return NULL;
	memcpy(&h, program->data, sizeof(h));
	if (memcmp(h.e_ident, ELFMAG, SELFMAG) != 0 || h.e_ident[EI_CLASS] != ELFCLASS64 ||
	    h.e_ident[EI_DATA] != ELFDATA2LSB || (h.e_type != ET_EXEC && h.e_type != ET_DYN) || !h.e_entry ||
	    !h.e_phnum)
		return NULL;
	if (h.e_machine == EM_X86_64)
		return "x86_64";
	return h.e_machine == EM_AARCH64 ? "arm64" : NULL;
}

/* -- the archive ------------------------------------------------------------------------------------------------ */

/*
 * The archive has one file, so vastfs writes it itself: libarchive would add twenty libraries to the daemon. The format
 * is ustar (POSIX.1-2017, pax, "ustar Interchange Format"): a header, the file, zeros up to the next block, two blocks
 * of zeros.
 */
#define TAR_BLOCK 512

struct tar_header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100], magic[6],
		version[2], user[32], group[32], device_major[8], device_minor[8], prefix[155], unused[12];
};

static_assert(sizeof(struct tar_header) == TAR_BLOCK, "a header is one block");

/* The sum of all bytes, with blanks in place of the checksum itself. */
static unsigned layer_tar_checksum(const struct tar_header *h)
{
	const unsigned char *bytes = (const unsigned char *)h;
	unsigned sum = 0;

	for (size_t i = 0; i < sizeof(*h); i++)
		sum += bytes[i];
	return sum;
}

static struct tar_header layer_tar_make_header(size_t size)
{
	struct tar_header h = {.mode = "0000755",
			       .uid = "0000000",
			       .gid = "0000000",
			       .mtime = "00000000000",
			       .type = '0',
			       .magic = "ustar",
			       .device_major = "0000000",
			       .device_minor = "0000000"};

	memcpy(h.version, "00", sizeof(h.version));
	memset(h.checksum, ' ', sizeof(h.checksum));
	snprintf(h.name, sizeof(h.name), "%s", &IMAGE_RUNTIME_PATH[1]);
	snprintf(h.size, sizeof(h.size), "%011zo", size);
	snprintf(h.checksum, sizeof(h.checksum) - 1, "%06o", layer_tar_checksum(&h));
	return h;
}

static int layer_tar_pack(const struct buf *program, struct buf *out)
{
	static const char zeros[3 * TAR_BLOCK];
	struct tar_header header = layer_tar_make_header(program->len);
	size_t rest = (TAR_BLOCK - program->len % TAR_BLOCK) % TAR_BLOCK;

	buf_append(out, &header, sizeof(header));
	buf_append(out, program->data, program->len);
	buf_append(out, zeros, rest + (size_t)2 * TAR_BLOCK);
	return out->error;
}

/* -- compression ------------------------------------------------------------------------------------------------ */

static int layer_gzip_deflate(z_stream *z, struct buf *out)
{
	unsigned char piece[65536];
	int r;

	do {
		z->next_out = piece;
		z->avail_out = sizeof(piece);
		r = deflate(z, Z_FINISH);
		buf_append(out, piece, sizeof(piece) - z->avail_out);
	} while (r == Z_OK && !out->error);
	return out->error ? out->error : r == Z_STREAM_END ? 0 : -EIO;
}

/* The gzip header has time 0, no name and no operating system, so that it is the same on every machine. */
static int layer_gzip_compress(const struct buf *in, struct buf *out)
{
	gz_header header = {.os = 255};
	z_stream z = {0};
	int r;

	if (deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	deflateSetHeader(&z, &header);
	z.next_in = (unsigned char *)in->data;
	z.avail_in = (unsigned int)in->len;
	r = layer_gzip_deflate(&z, out);
	deflateEnd(&z);
	return r;
}

static int layer_compress(const struct buf *program, struct image_layer *l)
{
	_buf_ struct buf tar = BUF_INIT(IMAGE_LAYER_MAX + (1 << 20));
	int r = layer_tar_pack(program, &tar);

	if (r == 0)
		r = image_digest(tar.data, tar.len, l->diff_id);
	if (r == 0)
		r = layer_gzip_compress(&tar, &l->data);
	return r < 0 ? r : image_digest(l->data.data, l->data.len, l->digest);
}

int image_layer_make(const char *runtime_path, struct image_layer *ret, struct error *err)
{
	_buf_ struct buf program = BUF_INIT(IMAGE_LAYER_MAX);
	const char *architecture;
	int r;

	*ret = (struct image_layer){.data = BUF_INIT(IMAGE_LAYER_MAX + (2 << 20))};
	r = layer_read_program(runtime_path, &program, err);
	if (r < 0)
		return r;
	architecture = layer_architecture(&program);
	if (!architecture)
		return error_set(err, -ENOEXEC, "the runtime %s is not an ELF program for x86_64 or arm64",
				 runtime_path);
	r = layer_compress(&program, ret);
	if (r < 0) {
		image_layer_free(ret);
		return error_set(err, r, "cannot pack the runtime %s: %s", runtime_path, strerror(-r));
	}
	snprintf(ret->architecture, sizeof(ret->architecture), "%s", architecture);
	return 0;
}

void image_layer_free(struct image_layer *l)
{
	buf_free(&l->data);
	*l = (struct image_layer){.data = l->data};
}
