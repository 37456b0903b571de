/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * readme.c - the README in the mount, which has examples to paste and a list of all rows of the tree. The loop thread
 * and the notifier render it.
 */
#include "fs/file.h"
#include "fs/render.h"

#include <string.h>

static void readme_put_examples(const char *at, struct buf *out)
{
	buf_puts(out, "vastfs: a VAST stack on AWS as a directory. Read files for information; write to or touch files "
		      "to act.\n\n"
		      "EXAMPLES (paste them)\n\n");
	buf_printf(out, "  cd %s\n", at);
	buf_puts(out,
		 "  cat status\n"
		 "  cat discover/suggested.env                              # settings that fit this account, and why\n"
		 "  cp discover/suggested.env config/default.env            # with AWS_REGION set; else first:\n"
		 "  echo aws_region=eu-central-1 > config/default.env\n"
		 "  touch control/login; cat operations/latest/result       # IAM Identity Center: a URL and a code\n"
		 "  cat whoami                                              # the AWS identity in use\n"
		 "  cat stack/plan                                          # what deploy would change, and the cost\n"
		 "  touch control/deploy && cat operations/latest/result    # waits; ^C ends the waiting only\n"
		 "  tail -f operations/latest/operation.log\n"
		 "  touch control/run-task && cat operations/latest/result  # waits until the server answers\n"
		 "  xdg-open overview.html                                  # everything on one page, in a browser\n"
		 "  echo 'vast status' > lambda/query; cat lambda/result\n"
		 "  exec 3<>lambda/query; echo 'vast count' >&3; cat <&3    # for scripts: reads its own result\n"
		 "  cat eve.json > import/suricata && cat import/result     # waits until the server has them\n"
		 "  echo 'ls /var/lib' > tasks/default/exec/query; cat tasks/default/exec/result\n"
		 "  vastfs shell .                                          # a terminal in the server's container\n"
		 "  touch tasks/default/check; cat tasks/default/health\n"
		 "  ln -sfn TASK tasks/default                              # the server for queries\n"
		 "  touch control/destroy && cat operations/latest/result\n"
		 "  cat error                                               # why the last actions failed\n\n");
}

static void readme_put_rules(struct buf *out)
{
	buf_puts(
		out,
		"GOOD TO KNOW\n\n"
		"  Reading starts nothing and costs nothing. Only writing, touch, rm in tasks/, config/ and\n"
		"  history/, and ln -sfn on tasks/default act. result and exit_code wait for their job, all other\n"
		"  files are answered at once. A query starts when its file is closed: a background child that\n"
		"  inherited the open file delays it.\n\n"
		"  EBUSY an operation is running; EEXIST a server runs or has not stopped yet; ENXIO the stack is\n"
		"  not deployed; ENOKEY no usable credentials; EINVAL invalid content; EIO AWS refused or failed; "
		"EPERM\n  "
		"the tree does not allow this operation. Each failure adds a line to error.\n\n"
		"  Without a network an operation tries again for 15 minutes; progress shows since when. After a kill\n"
		"  or a power cut mount again: the operation is resumed.\n\n"
		"  ECS keeps the server running (server_restart=always): one that ends is replaced; one that ends\n"
		"  three times within 5 minutes while vastfs is mounted is not restarted, and error has the reason. A "
		"deploy "
		"never\n"
		"  restarts it. tasks/TASK/stop and control/stop-all-tasks stop it permanently.\n\n");
}

/* The help text of a control file comes from its verb. */
static const char *readme_help_of(const struct row *row)
{
	for (size_t i = 0; row->class == &class_control && i < model_verbs_n; i++)
		if (strcmp(model_verbs[i].name, tree_name(row)) == 0)
			return model_verbs[i].help;
	return row->help;
}

static void readme_put_tree(struct buf *out)
{
	buf_puts(out, "THE TREE\n\n");
	for (size_t i = 1; i < tree_rows_n; i++)
		buf_printf(out, "  %-42s %s\n", tree_rows[i].path, readme_help_of(&tree_rows[i]));
	buf_puts(out, "\nWORDS THAT CAN BE WRITTEN INTO control/ INSTEAD OF 1\n\n");
	for (size_t i = 0; i < model_verbs_n; i++)
		if (model_verbs[i].argument)
			buf_printf(out, "  echo %s > control/%s\n", model_verbs[i].argument, model_verbs[i].name);
}

static void readme_put_settings(struct buf *out)
{
	_buf_ struct buf example = BUF_INIT(SETTINGS_MAX);

	buf_puts(out, "\nSETTINGS (config/default.env to start from)\n\n");
	settings_write_example(&example);
	buf_puts(out, buf_str(&example));
	buf_puts(out, "\nThe same with VAST's successor Tenzir:\n\n"
		      "vast_image=tenzir/tenzir:latest\n"
		      "vast_command=tenzir-node\n"
		      "vast_data_dir=/var/lib/tenzir\n"
		      "import_command=tenzir \"from_stdin { read_$reader } | import\"\n");
}

int render_readme(const struct scope *s, struct buf *out)
{
	readme_put_examples(s->fs->mountpoint, out);
	readme_put_rules(out);
	readme_put_tree(out);
	readme_put_settings(out);
	return out->error;
}
