/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/drift_text.h"

#include "base/escape.h"
#include "stack/reply.h"

#define VALUE_MAX 200 /* bytes of a value that are shown */

/* Statuses of a resource, in the order of the text. */
static const struct drift_row {
	const char *status, *word;
	size_t count; /* offset of the status's counter in struct drift_counts */
} rows[] = {
	{"MODIFIED", "modified", offsetof(struct drift_counts, modified)},
	{"DELETED", "deleted", offsetof(struct drift_counts, deleted)},
	{"UNKNOWN", "not known", offsetof(struct drift_counts, unknown)},
	{"UNSUPPORTED", "not checked", offsetof(struct drift_counts, unchecked)},
	{"NOT_CHECKED", "not checked", offsetof(struct drift_counts, unchecked)},
};

static unsigned *drift_count(struct drift_counts *counts, const struct drift_row *row)
{
	return (unsigned *)((char *)counts + row->count);
}

static void drift_put_text(struct buf *out, const char *text)
{
	char shown[VALUE_MAX];

	buf_printf(out, "%s%s", escape_copy(shown, sizeof(shown), text), strlen(text) >= sizeof(shown) ? "..." : "");
}

static void drift_put_heading(struct buf *out, const char *word, const cJSON *resource)
{
	const char *id = reply_text(resource, "PhysicalResourceId");

	buf_printf(out, "%s ", word);
	drift_put_text(out, reply_text(resource, "LogicalResourceId"));
	buf_puts(out, " (");
	drift_put_text(out, reply_text(resource, "ResourceType"));
	buf_puts(out, *id ? "), " : ")");
	drift_put_text(out, id);
}

static void drift_put_value(struct buf *out, const cJSON *difference, const char *member, const char *absent)
{
	const char *value = reply_text(difference, member), *kind = reply_text(difference, "DifferenceType");

	if (!*value || strcmp(kind, absent) == 0)
		buf_puts(out, "(none)");
	else
		drift_put_text(out, value);
}

static void drift_put_difference(struct buf *out, const cJSON *difference)
{
	const char *path = reply_text(difference, "PropertyPath");

	buf_puts(out, "    ");
	drift_put_text(out, *path == '/' ? path + 1 : path);
	buf_puts(out, ": expected ");
	drift_put_value(out, difference, "ExpectedValue", "ADD");
	buf_puts(out, ", actual ");
	drift_put_value(out, difference, "ActualValue", "REMOVE");
	buf_putc(out, '\n');
}

static void drift_put_resource(struct buf *out, const struct drift_row *row, const cJSON *drift)
{
	const char *reason = reply_text(drift, "DriftStatusReason");
	const cJSON *difference;

	drift_put_heading(out, row->word, drift);
	if (*reason)
		buf_puts(out, ": ");
	drift_put_text(out, reason);
	buf_putc(out, '\n');
	cJSON_ArrayForEach (difference, reply_at(drift, "PropertyDifferences"))
		drift_put_difference(out, difference);
}

static bool drift_is_listed(const cJSON *drifts, const char *logical_id)
{
	const cJSON *drift;

	cJSON_ArrayForEach (drift, drifts)
		if (strcmp(reply_text(drift, "LogicalResourceId"), logical_id) == 0)
			return true;
	return false;
}

/* AWS leaves resources of types without drift detection out of its results. */
static unsigned drift_put_unlisted(struct buf *out, const cJSON *drifts, const cJSON *resources)
{
	const cJSON *resource;
	unsigned n = 0;

	cJSON_ArrayForEach (resource, resources) {
		if (strcmp(reply_text(resource, "ResourceStatus"), "DELETE_COMPLETE") == 0 ||
		    drift_is_listed(drifts, reply_text(resource, "LogicalResourceId")))
			continue;
		drift_put_heading(out, "not checked", resource);
		buf_puts(out, ": AWS does not detect drift of this type\n");
		n++;
	}
	return n;
}

static void drift_put_row(struct buf *out, const struct drift_row *row, const cJSON *drifts,
			  struct drift_counts *counts)
{
	const cJSON *drift;

	cJSON_ArrayForEach (drift, drifts)
		if (strcmp(reply_text(drift, "StackResourceDriftStatus"), row->status) == 0) {
			drift_put_resource(out, row, drift);
			(*drift_count(counts, row))++;
		}
}

int drift_put_resources(struct buf *out, const cJSON *drifts, const cJSON *resources, struct drift_counts *ret)
{
	const cJSON *list = reply_at(drifts, "StackResourceDrifts"), *drift;
	_buf_ struct buf lines = BUF_INIT(out->max);
	struct drift_counts counts = {0};
	unsigned differ, all;

	cJSON_ArrayForEach (drift, list)
		counts.in_sync += strcmp(reply_text(drift, "StackResourceDriftStatus"), "IN_SYNC") == 0;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		drift_put_row(&lines, &rows[i], list, &counts);
	counts.unchecked += drift_put_unlisted(&lines, list, reply_at(resources, "StackResources"));
	differ = counts.modified + counts.deleted;
	all = differ + counts.in_sync + counts.unknown + counts.unchecked;
	if (differ)
		buf_printf(out, "%u of %u resources differ from the template\n", differ, all);
	else
		buf_puts(out, "no difference from the template was found\n");
	buf_append(out, buf_str(&lines), lines.len);
	buf_printf(out, "in sync: %u resource%s\n", counts.in_sync, counts.in_sync == 1 ? "" : "s");
	if (ret)
		*ret = counts;
	return lines.error ? lines.error : out->error;
}

static const char *drift_first_failure(const cJSON *reason)
{
	return reply_text(cJSON_GetArrayItem(reply_at(reason, "Failures"), 0), "FailureReason");
}

int drift_put_reason(struct buf *out, const char *reason)
{
	cJSON *tree = cJSON_Parse(reason);
	const char *summary = reply_text(tree, "Summary"), *first = drift_first_failure(tree);

	escape_line(out, *summary ? summary : *reason ? reason : "AWS gives no reason");
	if (*summary && *first) {
		buf_puts(out, ": ");
		escape_line(out, first);
	}
	cJSON_Delete(tree);
	return out->error;
}
