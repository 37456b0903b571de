/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/file.h"
#include "image/layer.h"
#include "image/manifest.h"
#include "image/runtime_file.h"

#include <archive.h>
#include <archive_entry.h>
#include <elf.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include <cmocka.h>

static char dir[64], path[96];

static int make_directory(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/vastfs-layer-XXXXXX");
	snprintf(path, sizeof(path), "%s/program", mkdtemp(dir));
	return 0;
}

static int remove_directory(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

static Elf64_Ehdr header(uint16_t machine)
{
	Elf64_Ehdr h = {.e_type = ET_EXEC, .e_machine = machine, .e_version = 1, .e_entry = 0x400000, .e_phnum = 1};

	memcpy(h.e_ident, ELFMAG, SELFMAG);
	h.e_ident[EI_CLASS] = ELFCLASS64;
	h.e_ident[EI_DATA] = ELFDATA2LSB;
	return h;
}

/* A program of 3 MiB whose content compresses only partly. */
static void write_program(uint16_t machine)
{
	static unsigned char bytes[3 << 20];
	Elf64_Ehdr h = header(machine);
	uint32_t x = 1;

	for (size_t i = 0; i < sizeof(bytes); i++) {
		x = x * 1664525 + 1013904223;
		bytes[i] = (unsigned char)(x >> (i % 3 ? 24 : 30));
	}
	memcpy(bytes, &h, sizeof(h));
	assert_int_equal(file_write_atomically(path, bytes, sizeof(bytes)), 0);
}

static void test_the_same_program_makes_the_same_bytes(void **state)
{
	static const struct timespec old[2] = {{.tv_sec = 86400}, {.tv_sec = 86400}};
	struct image_layer a, b;
	struct error err;

	(void)state;
	write_program(EM_X86_64);
	assert_int_equal(image_layer_make(path, &a, &err), 0);
	write_program(EM_X86_64);
	assert_int_equal(chmod(path, 0400), 0);
	assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
	if (geteuid() == 0)
		assert_int_equal(chown(path, 1234, 5678), 0);
	assert_int_equal(image_layer_make(path, &b, &err), 0);
	assert_int_equal(a.data.len, b.data.len);
	assert_memory_equal(a.data.data, b.data.data, a.data.len);
	assert_string_equal(a.digest, b.digest);
	assert_string_equal(a.diff_id, b.diff_id);
	assert_string_equal(a.architecture, "x86_64");
	image_layer_free(&a);
	image_layer_free(&b);
	image_layer_free(&b);
}

static void test_the_header_of_gzip_tells_nothing(void **state)
{
	/* magic, deflate, no flags (no name), time 0, best compression, unknown system: RFC 1952, section 2.3 */
	static const unsigned char header_bytes[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255};
	struct image_layer l;
	char digest[IMAGE_DIGEST_SIZE];

	(void)state;
	write_program(EM_X86_64);
	assert_int_equal(image_layer_make(path, &l, NULL), 0);
	assert_memory_equal(l.data.data, header_bytes, sizeof(header_bytes));
	assert_int_equal(image_digest(l.data.data, l.data.len, digest), 0);
	assert_string_equal(l.digest, digest);
	image_layer_free(&l);
}

static void test_diff_id_is_that_of_the_archive(void **state)
{
	static unsigned char tar[4 << 20];
	struct image_layer l;
	char digest[IMAGE_DIGEST_SIZE];
	z_stream z = {0};

	(void)state;
	write_program(EM_AARCH64);
	assert_int_equal(image_layer_make(path, &l, NULL), 0);
	assert_string_equal(l.architecture, "arm64");
	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	z.next_in = (unsigned char *)l.data.data;
	z.avail_in = (unsigned int)l.data.len;
	z.next_out = tar;
	z.avail_out = sizeof(tar);
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.avail_in, 0);
	assert_memory_equal(tar + 257,
			    "ustar\0"
			    "00",
			    8);
	assert_int_equal(image_digest(tar, z.total_out, digest), 0);
	assert_string_equal(l.diff_id, digest);
	inflateEnd(&z);
	image_layer_free(&l);
}

static void expect_content(struct archive *a)
{
	static char got[3 << 20];
	_buf_ struct buf wanted = BUF_INIT(4 << 20);

	assert_int_equal(file_read(path, &wanted), 0);
	assert_int_equal(archive_read_data(a, got, sizeof(got)), wanted.len);
	assert_memory_equal(got, wanted.data, wanted.len);
}

static void test_the_layer_can_be_read_back(void **state)
{
	struct archive *a = archive_read_new();
	struct archive_entry *e;
	struct image_layer l;

	(void)state;
	write_program(EM_X86_64);
	assert_int_equal(image_layer_make(path, &l, NULL), 0);
	archive_read_support_filter_gzip(a);
	archive_read_support_format_tar(a);
	assert_int_equal(archive_read_open_memory(a, l.data.data, l.data.len), ARCHIVE_OK);
	assert_int_equal(archive_read_next_header(a, &e), ARCHIVE_OK);
	assert_string_equal(archive_entry_pathname(e), &IMAGE_RUNTIME_PATH[1]);
	assert_int_equal(archive_entry_mode(e), S_IFREG | 0755);
	assert_int_equal(archive_entry_uid(e), 0);
	assert_int_equal(archive_entry_gid(e), 0);
	assert_int_equal(archive_entry_mtime(e), 0);
	assert_false(archive_entry_uname(e) && *archive_entry_uname(e));
	assert_int_equal(archive_format(a), ARCHIVE_FORMAT_TAR_USTAR);
	expect_content(a);
	assert_int_equal(archive_read_next_header(a, &e), ARCHIVE_EOF);
	archive_read_free(a);
	image_layer_free(&l);
}

static void refuse(const void *bytes, size_t len)
{
	struct image_layer l;
	struct error err = {0};

	assert_int_equal(file_write_atomically(path, bytes, len), 0);
	assert_int_equal(image_layer_make(path, &l, &err), -ENOEXEC);
	assert_non_null(strstr(err.message, path));
	assert_null(l.data.data);
}

static void test_what_is_no_program_is_refused(void **state)
{
	Elf64_Ehdr h = header(EM_RISCV);

	(void)state;
	refuse("", 0);
	refuse("#!/bin/sh\nexit 0\n", 17);
	refuse(&h, sizeof(h));
	h = header(EM_X86_64);
	refuse(&h, sizeof(h) - 1);
	h.e_type = ET_REL;
	refuse(&h, sizeof(h));
	h = header(EM_X86_64);
	h.e_ident[EI_CLASS] = ELFCLASS32;
	refuse(&h, sizeof(h));
	h = header(EM_X86_64);
	h.e_ident[EI_DATA] = ELFDATA2MSB;
	refuse(&h, sizeof(h));
	h = header(EM_X86_64);
	h.e_entry = 0;
	refuse(&h, sizeof(h));
	h = header(EM_X86_64);
	h.e_phnum = 0;
	refuse(&h, sizeof(h));
	h = header(EM_X86_64);
	h.e_ident[EI_MAG0] = 0;
	refuse(&h, sizeof(h));
}

/* A file that is too large for an image is not read to its end. */
static void test_a_huge_file_is_refused(void **state)
{
	struct image_layer l;
	struct error err = {0};

	(void)state;
	write_program(EM_X86_64);
	assert_int_equal(truncate(path, (off_t)1 << 40), 0);
	assert_int_equal(image_layer_make(path, &l, &err), -EFBIG);
	assert_non_null(strstr(err.message, "is larger than 67108864 bytes"));
}

static void test_the_architecture_of_a_runtime(void **state)
{
	char found[IMAGE_RUNTIME_PATH_MAX];
	struct error err = {0};

	(void)state;
	write_program(EM_X86_64);
	assert_true(image_runtime_suits(path, "x86_64"));
	assert_false(image_runtime_suits(path, "arm64"));
	write_program(EM_AARCH64);
	assert_true(image_runtime_suits(path, "arm64"));
	assert_int_equal(file_write_atomically(path, "#!/bin/sh\n", 10), 0);
	assert_false(image_runtime_suits(path, "x86_64"));
	assert_int_equal(file_write_atomically(path, (char[200]){0}, 200), 0);
	assert_false(image_runtime_suits(path, "x86_64"));
	unlink(path);
	assert_false(image_runtime_suits(path, "x86_64"));
	/* There is none beside this test. */
	assert_int_equal(image_runtime_find("x86_64", found, &err), -ENOENT);
	assert_non_null(strstr(err.message, "no vast-lambda-runtime for x86_64"));
	assert_non_null(strstr(err.remedy, "set architecture"));
}

static void test_what_is_no_file_is_refused(void **state)
{
	struct image_layer l;
	struct error err = {0};

	(void)state;
	unlink(path);
	assert_int_equal(image_layer_make(path, &l, &err), -ENOENT);
	assert_int_equal(image_layer_make(dir, &l, &err), -ENOEXEC);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(image_layer_make(path, &l, &err), -ENOEXEC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_same_program_makes_the_same_bytes),
		cmocka_unit_test(test_the_header_of_gzip_tells_nothing),
		cmocka_unit_test(test_diff_id_is_that_of_the_archive),
		cmocka_unit_test(test_the_layer_can_be_read_back),
		cmocka_unit_test(test_what_is_no_program_is_refused),
		cmocka_unit_test(test_what_is_no_file_is_refused),
		cmocka_unit_test(test_a_huge_file_is_refused),
		cmocka_unit_test(test_the_architecture_of_a_runtime),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
