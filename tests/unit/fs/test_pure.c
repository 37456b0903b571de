/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tests the small decisions of the tree: lines of a draft, words of a command, budgets, links, files in memory,
 * mountinfo.
 */
#include "fs/config.h"
#include "fs/draft.h"
#include "fs/exiting.h"
#include "fs/file.h"
#include "fs/links.h"
#include "fs/log_budget.h"
#include "fs/mountinfo.h"
#include "fs/noise.h"
#include "fs/sniff.h"
#include "fs/touch.h"
#include "fs/watchers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/sysmacros.h>
// clang-format off
#include <cmocka.h>
// clang-format on

static int check(const char *text, size_t from, bool whole, struct error *err)
{
	return draft_check(text, strlen(text), from, strlen(text), whole, err);
}

static void draft_lines(void **state _unused_)
{
	struct error err = {0};

	assert_int_equal(check("", 0, true, &err), 0);
	assert_int_equal(check("stage=a\n\n# x\n", 0, true, &err), 0);
	assert_int_equal(check("stage=a\nbad\n", 0, false, &err), -EINVAL);
	assert_non_null(strstr(err.message, "line 2"));
	assert_int_equal(check("stage=a\nbad", 0, false, &err), 0); /* the line may continue */
	assert_int_equal(check("stage=a\nbad", 0, true, &err), -EINVAL);
	assert_int_equal(check("bad\nstage=a\n", 4, false, &err), 0); /* line 1 was checked before */
	assert_int_equal(check("bad\nstage=a\n", 3, false, &err), -EINVAL);
}

static int word(const char *text, char *out)
{
	return command_word(text, strlen(text), out, 8, NULL);
}

static void command_words(void **state _unused_)
{
	char out[8];

	assert_int_equal(word("", out), 0);
	assert_string_equal(out, "");
	assert_int_equal(word(" 1 \n", out), 0);
	assert_string_equal(out, "");
	assert_int_equal(word("\tforce\n", out), 0);
	assert_string_equal(out, "force");
	assert_int_equal(word("11", out), 0);
	assert_string_equal(out, "11");
	assert_int_equal(word("12345678", out), -EINVAL);
	assert_int_equal(command_word("a\0b", 3, out, 8, NULL), -EINVAL);
}

static void five_fetches_a_minute(void **state _unused_)
{
	struct log_budget b = {0};

	for (int i = 0; i < LOG_BUDGET_FETCHES; i++)
		assert_true(log_budget_take(&b, 7, 100000 + i));
	assert_false(log_budget_take(&b, 7, 100005));
	assert_true(log_budget_take(&b, 8, 100005));
	assert_false(log_budget_take(&b, 7, 100000 + LOG_BUDGET_MS - 1));
	assert_true(log_budget_take(&b, 7, 100000 + LOG_BUDGET_MS));
}

static void links_in_passing(void **state _unused_)
{
	struct links l = {0};
	char name[8];

	assert_int_equal(links_add(&l, "CuAbc", "task"), 0);
	assert_string_equal(links_target(&l, "CuAbc"), "task");
	links_remove(&l, "CuAbc");
	assert_null(links_target(&l, "CuAbc"));
	for (int i = 0; i < LINKS_MAX; i++) {
		snprintf(name, sizeof(name), "l%d", i);
		assert_int_equal(links_add(&l, name, "t"), 0);
	}
	assert_int_equal(links_add(&l, "more", "t"), -ENOSPC);
	l.all[3].made_ms -= LINKS_KEEP_MS + 1;
	assert_null(links_target(&l, "l3"));
	assert_int_equal(links_add(&l, "more", "t"), 0);
}

static void files_in_memory(void **state _unused_)
{
	struct config c = {0};
	_cleanup_(memory_file_unref_cleanup) struct memory_file *f = NULL;
	_cleanup_(memory_file_unref_cleanup) struct memory_file *g = NULL;

	config_init(&c);
	assert_int_equal(config_create(&c, "a", &f), 0);
	assert_int_equal(config_create(&c, "b", &g), 0);
	assert_int_equal(config_rename(&c, "a", "b"), 0);
	assert_false(config_has(&c, "a"));
	assert_string_equal(f->name, "b");
	assert_int_equal(config_rename(&c, "b", "b"), 0);
	assert_true(config_has(&c, "b"));
	assert_int_equal(config_rename(&c, "none", "b"), -ENOENT);
	assert_int_equal(config_remove(&c, "b"), 0);
	assert_int_equal(config_remove(&c, "b"), -ENOENT);
	config_put_back(&c, f);
	assert_true(config_has(&c, "b"));
	config_free(&c);
}

static void writing_at_an_offset(void **state _unused_)
{
	_buf_ struct buf b = BUF_INIT(8);

	assert_int_equal(text_write_at(&b, "abc", 3, 0), 0);
	assert_int_equal(text_write_at(&b, "XY", 2, 2), 0);
	assert_string_equal(buf_str(&b), "abXY");
	assert_int_equal(text_write_at(&b, "z", 1, 6), 0);
	assert_memory_equal(b.data, "abXY\0\0z", 7);
	assert_int_equal(text_write_at(&b, "12", 2, 7), -EFBIG);
	assert_int_equal(b.len, 7);
	assert_int_equal(text_truncate(&b, 2), 0);
	assert_string_equal(buf_str(&b), "ab");
	assert_int_equal(text_truncate(&b, 9), -EFBIG);
}

static int line(const char *text, const char *path, uid_t owner)
{
	char copy[256];

	snprintf(copy, sizeof(copy), "%s", text);
	return mountinfo_line(copy, path, owner, NULL);
}

static void lines_of_mountinfo(void **state _unused_)
{
	static const char ours[] =
		"36 35 0:31 / /mnt/a\\040b rw,nosuid shared:1 - fuse.vastfs vastfs rw,user_id=7,group_id=0\n",
			  other[] = "36 35 0:31 / /mnt rw - fuse.sshfs x rw,user_id=7\n";

	assert_int_equal(line(ours, "/mnt/a b", 7), 1);
	assert_int_equal(line(ours, "/mnt/a b", 8), 0);
	assert_int_equal(line(ours, "/mnt/a b", (uid_t)-1), 1);
	assert_int_equal(line(ours, "/mnt", 7), -1);
	assert_int_equal(line(other, "/mnt", 7), 0);
	assert_int_equal(line("", "/mnt", 7), -1);
	assert_int_equal(line("1 - x", "/mnt", 7), -1);
}

static void lines_of_fdinfo(void **state _unused_)
{
	static const char ours[] = "inotify wd:a ino:48620b07b513bf48 sdev:2a mask:304 ignored_mask:0 fhandle-bytes:c";
	uint64_t inode = 0;

	assert_true(watchers_line(ours, makedev(0, 0x2a), &inode));
	assert_int_equal(inode, 0x48620b07b513bf48);
	assert_false(watchers_line(ours, makedev(0, 0x2b), &inode));
	assert_true(watchers_line("inotify wd:1 ino:4 sdev:800013 mask:2", makedev(8, 0x13), &inode));
	assert_int_equal(inode, 4);
	assert_false(watchers_line("pos:	0\n", makedev(0, 0x2a), &inode));
	assert_false(watchers_line("inotify wd:1", makedev(0, 0x2a), &inode));
}

static void explicit_times(void **state _unused_)
{
	const int both = FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME;
	const struct timespec now = {.tv_sec = 1000000, .tv_nsec = 500}, shown = {.tv_sec = 5000};
	struct stat at = {.st_atim = {999999, 0}, .st_mtim = {999999, 0}};

	assert_true(touch_is_explicit_now(&at, both, now));
	assert_false(touch_is_explicit_now(&at, FUSE_SET_ATTR_MTIME, now));
	assert_false(touch_is_explicit_now(&at, both | FUSE_SET_ATTR_ATIME_NOW, now));
	at.st_atim.tv_nsec = 1;
	assert_false(touch_is_explicit_now(&at, both, now));
	assert_false(touch_keeps_access_time(&at, both, now, shown));
	at.st_atim = shown;
	assert_false(touch_is_explicit_now(&at, both, now));
	assert_true(touch_keeps_access_time(&at, both, now, shown));
	at.st_mtim = shown;
	assert_false(touch_is_explicit_now(&at, both, now));
	assert_false(touch_keeps_access_time(&at, both, now, shown));
	at.st_atim = at.st_mtim = (struct timespec){999998, 499};
	assert_false(touch_is_explicit_now(&at, both, now));
	at.st_atim = at.st_mtim = (struct timespec){1000002, 501};
	assert_false(touch_is_explicit_now(&at, both, now));
	at.st_atim = at.st_mtim = (struct timespec){INT64_MIN, 0};
	assert_false(touch_is_explicit_now(&at, both, now));
}

static void writers_do_not_touch(void **state _unused_)
{
	struct touch_writers w = {0};

	assert_false(touch_is_writer(&w, getpid(), 7));
	touch_add_writer(&w, getpid(), 7);
	assert_true(touch_is_writer(&w, getpid(), 7));
	assert_false(touch_is_writer(&w, getpid(), 8));
	assert_false(touch_is_writer(&w, 1, 7));
	for (uint64_t i = 0; i < TOUCH_WRITERS; i++)
		touch_add_writer(&w, 1, 100 + i);
	assert_false(touch_is_writer(&w, getpid(), 7));
}

static void noise(void **state _unused_)
{
	static const char *const names[] = {
		".Trash-1000", ".directory", ".hidden", ".goutputstream-ABC", ".x.env.kate-swp", "4913",
		"x~",	       ".#x",	     "#x#",	".~lock.x#",	      ".status.swp",	 ".status.swx"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_true(noise_is(names[i]));
	assert_false(noise_is("deploy"));
	assert_false(noise_is("depoly"));
	assert_false(noise_is("default.env"));
}

static void sniffers(void **state _unused_)
{
	assert_true(sniff_is_listed("dolphin"));
	assert_false(sniff_is_listed("cat"));
	assert_false(sniff_is_sniffer(0));
	assert_false(sniff_is_sniffer(getpid()));
	assert_true(sniff_command_is("cat\0x", 6, "cat"));
	assert_true(sniff_command_is("/usr/lib/cargo/bin/coreutils/cat\0x", 35, "cat"));
	assert_true(sniff_command_is("/bin/busybox\0cat\0x", 19, "cat"));
	assert_true(sniff_command_is("coreutils\0cat", 14, "cat"));
	assert_false(sniff_command_is("coreutils\0wc\0-c", 16, "cat"));
	assert_false(sniff_command_is("coreutils", 10, "cat"));
	assert_false(sniff_command_is("", 0, "cat"));
	assert_true(sniff_command_is("/usr/bin/touch\0-m", 17, "touch"));
	assert_false(sniff_command_is("rsync\0touch", 11, "touch"));
}

/* The state in a line of /proc/PID/stat with these flags and this exit code. */
static enum exiting state_of(unsigned flags, int exit_code)
{
	char text[1024];
	int n = snprintf(text, sizeof(text), "12 (a) b) R 1 1 1 0 -1 %u", flags);

	for (int field = 10; field < 52; field++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, " 7");
	snprintf(text + n, sizeof(text) - (size_t)n, " %d\n", exit_code);
	return exiting_parse(text);
}

static void processes_that_end(void **state _unused_)
{
	assert_int_equal(state_of(0x400000, 0), EXITING_NOT);
	assert_int_equal(state_of(0x400000, 9), EXITING_NOT);
	assert_int_equal(state_of(0x400004, 0), EXITING_BY_ITSELF);
	assert_int_equal(state_of(0x400004, 1 << 8), EXITING_BY_ITSELF);
	assert_int_equal(state_of(0x400004, 9), EXITING_KILLED);
	assert_int_equal(state_of(0x400004, 0x80 | 11), EXITING_KILLED);
	assert_int_equal(exiting_parse(""), EXITING_NOT);
	assert_int_equal(exiting_parse("1 (x)"), EXITING_NOT);
	assert_int_equal(exiting_state(getpid()), EXITING_NOT);
	assert_int_equal(exiting_process_of(getpid()), getpid());
	assert_int_equal(exiting_process_of(0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(draft_lines),
		cmocka_unit_test(command_words),
		cmocka_unit_test(five_fetches_a_minute),
		cmocka_unit_test(links_in_passing),
		cmocka_unit_test(files_in_memory),
		cmocka_unit_test(writing_at_an_offset),
		cmocka_unit_test(explicit_times),
		cmocka_unit_test(writers_do_not_touch),
		cmocka_unit_test(noise),
		cmocka_unit_test(lines_of_fdinfo),
		cmocka_unit_test(lines_of_mountinfo),
		cmocka_unit_test(sniffers),
		cmocka_unit_test(processes_that_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
