/* SPDX-License-Identifier: BSD-3-Clause */
#include "image/runtime_file.h"

#include "base/cleanup.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool image_runtime_suits(const char *path, const char *architecture)
{
	_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	Elf64_Ehdr head;

	if (fd < 0 || read(fd, &head, sizeof(head)) != sizeof(head) || memcmp(head.e_ident, ELFMAG, SELFMAG) != 0)
		return false;
	return head.e_machine == (strcmp(architecture, "arm64") == 0 ? EM_AARCH64 : EM_X86_64);
}

static int runtime_file_own_directory(char *out, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", out, size - 1);

	if (n < 0)
		return -errno;
	out[n] = '\0';
	*strrchr(out, '/') = '\0'; /* the kernel gives an absolute path */
	return 0;
}

int image_runtime_find(const char *architecture, char ret_path[IMAGE_RUNTIME_PATH_MAX], struct error *err)
{
	static const char *const places[] = {"src/runtime", "../libexec/vastfs"};
	char own[2048];
	int r = runtime_file_own_directory(own, sizeof(own));

	for (size_t i = 0; r == 0 && i < 2 * ARRAY_SIZE(places); i++) {
		snprintf(ret_path, IMAGE_RUNTIME_PATH_MAX, "%s/%s/vast-lambda-runtime%s%s", own, places[i / 2],
			 i % 2 ? "-" : "", i % 2 ? architecture : "");
		if (image_runtime_suits(ret_path, architecture))
			return 0;
	}
	error_set(err, -ENOENT, "this installation of vastfs has no vast-lambda-runtime for %s", architecture);
	error_remedy(err, "set architecture in config/default.env to the architecture of this machine, or install the "
			  "runtime for the other one");
	return err->errnum;
}
