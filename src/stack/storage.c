/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * storage.c - creates and deletes the file system of the database. It is not in the template, so that it outlives tasks
 * and stack.
 */
#include "aws/services/efs.h"
#include "stack/own_policy.h"

#include <errno.h>
#include <string.h>

#define AVAILABLE_LIMIT_MS (10 * 60 * INT64_C(1000))
#define PURGE_LIMIT_MS	   (10 * 60 * INT64_C(1000))

int storage_find(struct operation *op, cJSON **ret, struct error *err)
{
	cJSON *reply = NULL;
	int r = operation_call(op, efs_describe_file_systems(op->name), &reply, err);

	*ret = NULL;
	if (r < 0)
		return error_has_code(err, "FileSystemNotFound") ? 0 : r;
	*ret = cJSON_DetachItemFromArray(cJSON_GetObjectItem(reply, "FileSystems"), 0);
	op->storage_bytes = aws_integer(*ret, "SizeInBytes.Value", 0);
	cJSON_Delete(reply);
	return 0;
}

static int storage_refuse_foreign(const struct operation *op, const cJSON *found, struct error *err)
{
	const char *stage = settings_get(op->settings, SETTING_STAGE);
	const cJSON *tag;

	cJSON_ArrayForEach (tag, aws_at(found, "Tags"))
		if (strcmp(aws_text(tag, "Key"), "vastfs:stage") == 0 && strcmp(aws_text(tag, "Value"), stage) == 0)
			return 0;
	error_set(err, -EEXIST,
		  "the file system %s has the creation token %s but no tag vastfs:stage=%s: vastfs did not create it",
		  aws_text(found, "FileSystemId"), op->name, stage);
	error_remedy(err, "set another stage, or tag the file system if it is yours");
	return err->errnum;
}

/* OPERATION_DONE once no deletion of an old file system is running, so that a new one can be created. */
static int storage_check_not_deleting(struct operation *op, void *arg _unused_, struct error *err)
{
	cJSON *found = NULL;
	int r = storage_find(op, &found, err);
	bool deleting = strcmp(aws_text(found, "LifeCycleState"), "deleting") == 0;

	cJSON_Delete(found);
	return r < 0 ? r : deleting ? 0 : OPERATION_DONE;
}

static int storage_check_available(struct operation *op, void *arg _unused_, struct error *err)
{
	cJSON *found = NULL;
	int r = storage_find(op, &found, err);
	const char *state = aws_text(found, "LifeCycleState");

	if (r == 0 && strcmp(state, "available") == 0)
		r = OPERATION_DONE;
	else if (r == 0 && strcmp(state, "error") == 0)
		r = error_set(err, -EIO, "the file system %s is in state error", op->file_system);
	cJSON_Delete(found);
	return r;
}

static int storage_create(struct operation *op, struct error *err)
{
	cJSON *reply = NULL;
	int r = operation_call(op, efs_create_file_system(op->name, settings_get(op->settings, SETTING_STAGE)), &reply,
			       err);

	if (r < 0 && !error_has_code(err, "FileSystemAlreadyExists"))
		return r;
	if (r == 0)
		operation_say(op, "created the file system %s", aws_text(reply, "FileSystemId"));
	cJSON_Delete(reply);
	return 0;
}

/*
 * Allows encrypted connections of the account only. No role is named as principal, because the policy outlives the
 * roles.
 */
static int storage_ensure_policy(struct operation *op, struct error *err)
{
	const char *versions[] = {NULL, NULL};
	const struct own_policy policy = {.what = "the policy of the file system",
					  .consequence = "the server may not be able to mount its storage",
					  .console = "the EFS console (File system policy)",
					  .command = "aws efs delete-file-system-policy --file-system-id",
					  .absent_code = "PolicyNotFound",
					  .member = "Policy",
					  .versions = versions,
					  .get = efs_describe_file_system_policy,
					  .put = efs_put_file_system_policy};
	_free_ char *text = NULL;

	if (asprintf(&text,
		     "{\"Version\":\"2012-10-17\",\"Statement\":["
		     "{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"%s\"},"
		     "\"Action\":[\"elasticfilesystem:ClientMount\",\"elasticfilesystem:ClientWrite\"]},"
		     "{\"Effect\":\"Deny\",\"Principal\":{\"AWS\":\"*\"},\"Action\":\"*\","
		     "\"Condition\":{\"Bool\":{\"aws:SecureTransport\":\"false\"}}}]}",
		     op->account) < 0) {
		text = NULL;
		return -ENOMEM;
	}
	versions[0] = text;
	return own_policy_ensure(op, &policy, op->file_system, err);
}

int storage_ensure(struct operation *op, struct error *err)
{
	cJSON *found = NULL;
	int r;

	if (!op->settings->efs)
		return 0;
	r = operation_wait(op, AVAILABLE_LIMIT_MS, "the deletion of the old file system", storage_check_not_deleting,
			   NULL, err);
	if (r >= 0)
		r = storage_find(op, &found, err);
	if (r == 0 && !found) {
		r = storage_create(op, err);
		if (r == 0)
			r = storage_find(op, &found, err);
	}
	if (r == 0)
		r = storage_refuse_foreign(op, found, err);
	op->file_system = strdup(aws_text(found, "FileSystemId"));
	cJSON_Delete(found);
	if (r == 0 && !op->file_system)
		r = -ENOMEM;
	if (r == 0)
		r = operation_wait(op, AVAILABLE_LIMIT_MS, "creating the file system", storage_check_available, NULL,
				   err);
	return r < 0 ? r : storage_ensure_policy(op, err);
}

/* -- purging --------------------------------------------------------------------------------------------------- */

static int storage_refuse_mounted(struct operation *op, const char *id, struct error *err)
{
	cJSON *reply = NULL;
	int r = operation_call(op, efs_describe_mount_targets(id), &reply, err);

	if (r == 0 && cJSON_GetArraySize(aws_at(reply, "MountTargets")) > 0) {
		r = error_set(err, -EBUSY, "the file system %s still has the mount target %s in VPC %s, subnet %s", id,
			      aws_text(reply, "MountTargets.0.MountTargetId"), aws_text(reply, "MountTargets.0.VpcId"),
			      aws_text(reply, "MountTargets.0.SubnetId"));
		error_remedy(err, "delete that mount target, then echo purge > control/destroy again");
	}
	cJSON_Delete(reply);
	return r;
}

static int storage_check_purged(struct operation *op, void *arg _unused_, struct error *err)
{
	cJSON *found = NULL;
	int r = storage_find(op, &found, err);
	bool there = found;

	cJSON_Delete(found);
	return r < 0 ? r : there ? 0 : OPERATION_DONE;
}

/* If the file system is not found, it was deleted: by an earlier copy of this request whose reply was lost, or by
 * somebody else. */
static int storage_delete(struct operation *op, const char *id, struct error *err)
{
	int r = operation_call(op, efs_delete_file_system(id), NULL, err);

	return r < 0 && error_has_code(err, "FileSystemNotFound") ? 0 : r;
}

int storage_purge(struct operation *op, struct error *err)
{
	cJSON *found = NULL;
	_free_ char *id = NULL;
	int r = storage_find(op, &found, err);

	if (r < 0 || !found)
		return r;
	r = storage_refuse_foreign(op, found, err);
	id = strdup(aws_text(found, "FileSystemId"));
	cJSON_Delete(found);
	if (r == 0 && !id)
		r = -ENOMEM;
	if (r == 0)
		r = storage_refuse_mounted(op, id, err);
	if (r == 0)
		r = storage_delete(op, id, err);
	if (r == 0)
		r = operation_wait(op, PURGE_LIMIT_MS, "deleting the file system", storage_check_purged, NULL, err);
	if (r >= 0)
		buf_printf(&op->result, "the file system %s and the database on it are deleted\n", id);
	return r < 0 ? r : 0;
}
