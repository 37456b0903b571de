/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tests the table of the tree: it is complete, every row is reachable and explained, and the numbers derived from it
 * match.
 */
#include "fs/file.h"
#include "fs/names.h"
#include "fs/node.h"
#include "fs/tree.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
// clang-format off
#include <cmocka.h>
// clang-format on

static int init(void **state _unused_)
{
	tree_init();
	return 0;
}

static void every_row_is_explained_and_can_be_read(void **state _unused_)
{
	for (size_t i = 0; i < tree_rows_n; i++) {
		const struct row *r = &tree_rows[i];

		assert_non_null(r->help);
		assert_true(*r->help && !strchr(r->help, '\n'));
		assert_ptr_equal(tree_find(r->path), r); /* no path occurs twice */
		assert_true((r->type == ROW_FILE) == (r->class != NULL));
		if (r->class)
			assert_non_null(r->class->read);
		if (r->type == ROW_LINK)
			assert_non_null(r->render);
	}
}

static void modes_say_what_classes_do(void **state _unused_)
{
	for (size_t i = 0; i < tree_rows_n; i++) {
		const struct row *r = &tree_rows[i];

		if (r->class)
			assert_int_equal((r->mode & 0200) != 0, r->class->write != NULL);
	}
}

static void what_may_change_by_a_write_is_not_cached(void **state _unused_)
{
	for (size_t i = 0; i < tree_rows_n; i++) {
		const struct row *r = &tree_rows[i];

		if (r->type == ROW_LINK || (r->class && r->class != &class_text))
			assert_int_equal(r->cache, CACHE_NEVER);
		if (r->cache == CACHE_CLOUD)
			assert_non_null(r->changed); /* otherwise the kernel would not be notified */
	}
}

static void every_row_is_a_child_of_its_parent(void **state _unused_)
{
	for (size_t i = 1; i < tree_rows_n; i++) {
		const struct row *r = &tree_rows[i], *child = NULL;

		assert_int_equal(tree_parent(r)->type, ROW_DIR);
		while ((child = tree_next_child(tree_parent(r), child)) && child != r)
			;
		assert_ptr_equal(child, r);
		if (!tree_is_dynamic(r))
			assert_ptr_equal(tree_child(tree_parent(r), tree_name(r)), r);
	}
	assert_null(tree_child(TREE_ROOT, "deploy"));
	assert_null(tree_child(tree_find("tasks"), "{task}"));
}

static void paths_carry_the_key(void **state _unused_)
{
	_buf_ struct buf path = BUF_INIT(100);

	tree_path(tree_find("tasks/{task}/status"), "abc", &path);
	assert_string_equal(buf_str(&path), "tasks/abc/status");
	buf_clear(&path);
	tree_path(tree_find("control/deploy"), "ignored", &path);
	assert_string_equal(buf_str(&path), "control/deploy");
	buf_clear(&path);
	tree_path(tree_find("tasks/{task}/exec/history/{exec}/query"), "abc/17", &path);
	assert_string_equal(buf_str(&path), "tasks/abc/exec/history/17/query");
}

static void keys_grow_and_shrink_with_dynamic_names(void **state _unused_)
{
	const struct row *task = tree_find("tasks/{task}"), *history = tree_find("tasks/{task}/exec/history"),
			 *exec = tree_find("tasks/{task}/exec/history/{exec}");
	char key[TREE_KEY_MAX], above[TREE_KEY_MAX], long_name[TREE_KEY_MAX];

	assert_int_equal(tree_child_key(task, "", "abc", key), 0);
	assert_string_equal(key, "abc");
	assert_int_equal(tree_child_key(history, "abc", "history", key), 0);
	assert_string_equal(key, "abc");
	assert_int_equal(tree_child_key(exec, "abc", "17", key), 0);
	assert_string_equal(key, "abc/17");
	tree_parent_key(exec, key, above);
	assert_string_equal(above, "abc");
	tree_parent_key(history, "abc", above);
	assert_string_equal(above, "abc");
	tree_parent_key(task, "abc", above);
	assert_string_equal(above, "");
	memset(long_name, 'x', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	assert_int_equal(tree_child_key(exec, "abc", long_name, key), -ENAMETOOLONG);
}

static void numbers_are_stable_and_different(void **state _unused_)
{
	const struct row *status = tree_find("tasks/{task}/status"), *image = tree_find("tasks/{task}/image");
	struct nodes nodes = {0};
	struct node *n = node_make(&nodes, status, "abc");
	uint64_t ino = n->ino;

	assert_int_equal(node_number(TREE_ROOT, ""), 1);
	assert_int_equal(ino, node_number(status, "abc"));
	assert_int_not_equal(ino, node_number(status, "abd"));
	assert_int_not_equal(ino, node_number(image, "abc"));
	n->lookups = 2;
	node_forget(&nodes, n, 1);
	assert_ptr_equal(node_get(&nodes, ino), n);
	node_forget(&nodes, n, 1);
	assert_null(node_get(&nodes, ino));
	assert_int_equal(node_make(&nodes, status, "abc")->ino, ino);
	nodes_free(&nodes);
}

static void an_open_file_keeps_its_node(void **state _unused_)
{
	struct nodes nodes = {0};
	struct node *n = node_make(&nodes, tree_find("config/{file}"), "x");
	uint64_t ino = n->ino;

	n->lookups = n->handles = 1;
	node_forget(&nodes, n, 1);
	assert_non_null(node_get(&nodes, ino));
	node_close(&nodes, n);
	assert_null(node_get(&nodes, ino));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_explained_and_can_be_read),
		cmocka_unit_test(modes_say_what_classes_do),
		cmocka_unit_test(what_may_change_by_a_write_is_not_cached),
		cmocka_unit_test(every_row_is_a_child_of_its_parent),
		cmocka_unit_test(paths_carry_the_key),
		cmocka_unit_test(keys_grow_and_shrink_with_dynamic_names),
		cmocka_unit_test(numbers_are_stable_and_different),
		cmocka_unit_test(an_open_file_keeps_its_node),
	};

	return cmocka_run_group_tests(tests, init, NULL);
}
