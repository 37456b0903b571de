/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/images.h"

#include "aws/aws.h"
#include "base/json.h"
#include "stack/container.h"

#include <stdio.h>
#include <string.h>

#define REMOVED_AT_ONCE 100 /* BatchDeleteImage's limit */

static bool images_is_assembled(const cJSON *detail)
{
	const cJSON *tag;

	cJSON_ArrayForEach (tag, aws_at(detail, "imageTags"))
		if (cJSON_IsString(tag) && strncmp(tag->valuestring, IMAGES_TAG_PREFIX, strlen(IMAGES_TAG_PREFIX)) == 0)
			return true;
	return false;
}

/* The previous image: the one that was deployed before if it is known and exists, else the newest. */
static const cJSON *images_find_previous(const cJSON *details, const char *current, const char *previous)
{
	const cJSON *detail, *newest = NULL;

	cJSON_ArrayForEach (detail, details) {
		if (!images_is_assembled(detail) || strcmp(aws_text(detail, "imageDigest"), current) == 0)
			continue;
		if (strcmp(aws_text(detail, "imageDigest"), previous) == 0)
			return detail;
		if (!newest || aws_number(detail, "imagePushedAt", 0) > aws_number(newest, "imagePushedAt", 0))
			newest = detail;
	}
	return newest;
}

static bool images_is_in(const cJSON *array, const char *text)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, array)
		if (cJSON_IsString(item) && strcmp(item->valuestring, text) == 0)
			return true;
	return false;
}

cJSON *images_outdated(const cJSON *details, const char *current, const char *previous, const cJSON *used)
{
	const cJSON *detail, *kept = images_find_previous(details, current, previous);
	int r = 0;
	cJSON *outdated = json_array(&r);

	cJSON_ArrayForEach (detail, details) {
		const char *digest = aws_text(detail, "imageDigest");

		if (detail == kept || !*digest || !images_is_assembled(detail) || strcmp(digest, current) == 0 ||
		    images_is_in(used, digest))
			continue;
		if (cJSON_GetArraySize(outdated) == REMOVED_AT_ONCE)
			break;
		json_append_text(&r, outdated, digest);
	}
	if (r == 0)
		return outdated;
	cJSON_Delete(outdated);
	return NULL;
}

const char *images_digest_of_task(const cJSON *task)
{
	const char *digest = container_text(task, "imageDigest");
	const char *at = strchr(container_text(task, "image"), '@');

	return *digest ? digest : at ? at + 1 : "";
}

char *images_progress(uint64_t done, uint64_t total, int64_t elapsed_ms, char *out, size_t size)
{
	double rate = elapsed_ms > 0 ? (double)done * 1000 / (double)elapsed_ms : 0;
	int n = snprintf(out, size, "%.0f of %.0f MB", (double)done / 1e6, (double)total / 1e6);

	if (rate > 0 && n > 0 && (size_t)n < size)
		n += snprintf(out + n, size - (size_t)n, ", %.1f MB/s", rate / 1e6);
	if (rate > 0 && done < total && n > 0 && (size_t)n < size)
		snprintf(out + n, size - (size_t)n, ", %.0f s left", (double)(total - done) / rate + 0.5);
	return out;
}
